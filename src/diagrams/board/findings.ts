import type { Finding, Target } from '../../machine'
import { cardsOfPages, type Scene } from '../scene/scene'
import { type CardView, targetKey } from '../shared/cards'

/** Sentences on a card at most: several properties may name one object. */
const MAX_SENTENCES = 2

/** What a property names by table, by the mark that stands for it. Entries say it themselves. */
function marksOf(scene: Scene, { table, id, key }: Finding): Target[] {
  switch (table) {
    case 'pages':
    case 'folios':
      return key === undefined ? [] : cardsOfPages(scene, key, 1)
    case 'pinHandles':
      return [{ kind: 'pin', id }]
    case 'tasks':
      return [threadMark(scene, id)]
    case 'pciDevs':
      return [{ kind: 'pci_dev', id }]
    case 'boots':
      return [{ kind: 'boot', id }]
    case 'swapMap':
      return key === undefined ? [] : [{ kind: 'swap_slot', id: 0, key }]
    default:
      return []
  }
}

/** A thread stands in the card of its process, if it has one. */
function threadMark({ k }: Scene, id: number): Target {
  const { mm } = k.tasks.at(id)
  return mm === 0 ? { kind: 'task', id } : { kind: 'mm', id: mm }
}

/** Cards with what is wrong with them, in the words of the property. */
export function withFindings(
  scene: Scene,
  cards: readonly CardView[],
  findings: readonly Finding[],
): CardView[] {
  const said = new Map<string, string[]>()
  for (const finding of findings)
    for (const target of marksOf(scene, finding)) {
      const key = targetKey(target)
      said.set(key, [...(said.get(key) ?? []), finding.says])
    }
  return cards.map((card) => {
    const sentences = said.get(targetKey(card.target)) ?? []
    if (sentences.length === 0) return card
    const rows = sentences
      .slice(0, MAX_SENTENCES)
      .map((value) => ({ kind: 'text', value, tone: 'broken' }) as const)
    return { ...card, tone: 'broken', rows: [...rows, ...card.rows] }
  })
}
