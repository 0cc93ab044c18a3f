import type { Change } from '../../arena'
import type { Kernel } from '../../linux/kernel'
import { fillsOnFault, isPfnmap } from '../../linux/mm/memory-pfnmap'
import type { Finding } from '../../machine'
import { type Entry, namesPage } from '../scene/entries'
import { processName } from '../scene/names'
import { cardsOfPages, type Scene } from '../scene/scene'
import type { CardView, Link } from '../shared/cards'
import { note, rest } from '../shared/rest'
import { brokenText, entryCard, lockRows, pathText } from './entry-card'

/** Areas without an entry that are drawn. */
const MAX_EMPTY = 3

/** The entries of all address spaces that are drawn, by address. */
export function selectPageTable(
  { k, entries, hiddenEntries, processes }: Scene,
  changes: readonly Change[],
  findings: readonly Finding[],
): CardView[] {
  const cards = entries.map((entry, i) => {
    const isSameAddress = entries[i - 1]?.run.start === entry.run.start
    return entryCard(entry, { k, changes, findings, isSameAddress })
  })
  const more = hiddenEntries.length
  const others =
    more > 0 ? [note(rest.entries, `and ${more.toLocaleString('en')} more runs of entries`)] : []
  const last = more > 0 ? undefined : entries.at(-1)?.run.start
  return [...cards, ...others, ...emptyAreas(k, processes, last)]
}

/** Areas that no entry maps a page of; `last` is the address that stands above already. */
function emptyAreas(k: Kernel, processes: readonly number[], last: number | undefined): CardView[] {
  const empty = k.vmas
    .rows()
    .filter(({ vm_mm }) => processes.includes(vm_mm))
    .filter(({ vm_mm, vm_start, vm_end }) => k.ptes.in(vm_mm).runs(vm_start, vm_end).length === 0)
  return empty.slice(0, MAX_EMPTY).map((vma) => {
    const { id, label, vm_mm, vm_start } = vma
    const isOne = k.mms.rows().length === 1
    const owner = isOne ? '' : ` of ${processName(k, vm_mm)}`
    return {
      target: { kind: 'vma', id },
      ...(vm_start === last ? {} : { above: pathText(vm_start, false, isOne) }),
      title: 'none',
      side: `area ${label}${owner}`,
      tone: 'quiet',
      rows: [
        { kind: 'text', value: emptySays(k, vma), tone: 'quiet' },
        ...lockRows(k, vm_mm, vm_start),
      ],
    }
  })
}

/** What the next access to an area without entries comes to. */
const emptySays = (k: Kernel, vma: ReturnType<Kernel['vmas']['at']>): string =>
  isPfnmap(vma) && !fillsOnFault(k, vma)
    ? 'No entry, and no .fault: the next access gets SIGBUS.'
    : 'No entry: the next access faults.'

/** From entries to the pages, or to the slots of the swap device, that they name. */
export function linkPageTable(scene: Scene, findings: readonly Finding[]): Link[] {
  const { entries, hiddenEntries } = scene
  const drawn = entries.flatMap((entry) => linksOf(scene, entry, findings))
  const hidden = new Set(
    hiddenEntries
      .filter(namesPage)
      .flatMap(({ run }) => cardsOfPages(scene, run.pfn, run.length))
      .map(({ kind, key }) => (kind === 'page' ? key : undefined)),
  )
  const counted = [...hidden].map(
    (key): Link => ({
      from: rest.entries,
      to: key === undefined ? rest.pages : { kind: 'page', id: 0, key },
      tone: 'mapped',
    }),
  )
  return [...drawn, ...counted]
}

function linksOf(scene: Scene, entry: Entry, findings: readonly Finding[]): Link[] {
  const { mm, run } = entry
  const from = { kind: 'pte', id: mm, key: run.start }
  if (run.kind === 'swap')
    return [{ from, to: { kind: 'swap_slot', id: 0, key: run.pfn }, tone: 'owned' }]
  if (run.pfn < 0) return []
  const isBroken = brokenText(scene.k, entry, findings) !== undefined
  const tone = isBroken ? 'broken' : run.kind === 'leaf' ? 'mapped' : 'gone'
  return cardsOfPages(scene, run.pfn, run.length)
    .slice(0, 4)
    .map((to) => ({ from, to, tone }))
}
