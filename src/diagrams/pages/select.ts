import type { Change } from '../../arena'
import type { Kernel } from '../../linux/kernel'
import { handlesOf, pipeBuffersOf } from '../../linux/mm/labels'
import { namesPage } from '../scene/entries'
import { deviceName, handleKind, listed, pipeName, processName } from '../scene/names'
import type { PageGroup } from '../scene/pages'
import type { Scene } from '../scene/scene'
import type { CardView, Link } from '../shared/cards'
import { note, rest } from '../shared/rest'
import { deviceCard, idlePages } from './device-card'
import { folioCard } from './folio-card'
import { zoneCards } from './zone-card'

export function selectPages(scene: Scene, changes: readonly Change[]): CardView[] {
  const { k, pages, hiddenPages } = scene
  const cards = pages.map((group) =>
    group.isDevice
      ? deviceCard(k, group, changes)
      : folioCard(k, group, { changes, who: whoHas(scene, group) }),
  )
  const more = hiddenPages.length
  const others =
    more > 0 ? [note(rest.pages, `and ${more.toLocaleString('en')} more runs of pages`)] : []
  return [...idlePages(k, pages), ...cards, ...others, ...zoneCards(k, [...pages, ...hiddenPages])]
}

/** Everybody who would see a change of the page: processes, devices, pipes. */
function whoHas({ k, entries, hiddenEntries }: Scene, { start, end }: PageGroup): string {
  const mapping = [...entries, ...hiddenEntries].filter(
    (entry) =>
      namesPage(entry) &&
      entry.run.kind === 'leaf' &&
      entry.run.pfn < end &&
      start < entry.run.pfn + entry.run.length,
  )
  const processes = [...new Set(mapping.map(({ mm }) => mm))].map((mm) => processName(k, mm))
  const devices = handlesOf(k, start).map((handle) => deviceName(k, handle) ?? handleKind(handle))
  const pipes = pipeBuffersOf(k, start).map(({ name }) => pipeName(name))
  const names = [...processes, ...new Set([...devices, ...pipes])]
  if (names.length === 0) return 'mapped by nobody'
  return names.length === 1 ? `${names[0]} alone` : listed(names)
}

/** From pages to what they belong to. */
export const linkPages = ({ k, pages }: Scene): Link[] =>
  pages.flatMap(({ start }) => ownersOf(k, start))

function ownersOf(k: Kernel, start: number): Link[] {
  const from = { kind: 'page', id: 0, key: start }
  if (!k.pages.has(start)) {
    const former = k.pgmaps.find((pgmap) => pgmap.start <= start && start < pgmap.end)
    return former === undefined
      ? []
      : [{ from, to: { kind: 'pgmap', id: former.id }, tone: 'gone' }]
  }
  const { pgmap, mapping, anon_vma } = k.pages.at(start)
  const node = k.stableNodes.find(({ kpfn }) => kpfn === start)
  const slots = k.swapMap.runs().filter(({ has_cache, pfn }) => has_cache === 1 && pfn === start)
  return [
    ...(pgmap === 0 ? [] : [link(from, { kind: 'pgmap', id: pgmap }, 'quiet')]),
    ...(mapping === 0 ? [] : [link(from, { kind: 'inode', id: mapping }, 'owned')]),
    ...(anon_vma === 0 ? [] : [link(from, { kind: 'anon_vma', id: anon_vma }, 'owned')]),
    ...(node === undefined ? [] : [link(from, { kind: 'stable_node', id: node.id }, 'owned')]),
    ...slots.map((slot) => link(from, { kind: 'swap_slot', id: 0, key: slot.start }, 'owned')),
  ]
}

const link = (from: Link['from'], to: Link['to'], tone: Link['tone']): Link => ({ from, to, tone })
