import { type Change, flagsSet, type RunView } from '../../arena'
import { PMD_PAGES, PTE, type Pte } from '../../linux/arch/x86/pgtable'
import type { Kernel } from '../../linux/kernel'
import type { Finding } from '../../machine'
import type { BitCell, CardView, Link, Row } from '../shared/cards'
import { wasAtKey } from '../shared/changed'
import { pageRange } from '../shared/format'
import { indicesOf } from './indices'

/** Entries that are drawn one by one; what lies beyond is counted. */
const MAX_ENTRIES = 12

/** Short names of the bits, in the order in which they are drawn. */
const DRAWN = [
  ['P', 'present'],
  ['RW', 'rw'],
  ['US', 'user'],
  ['A', 'accessed'],
  ['D', 'dirty'],
  ['PS', 'pse'],
  ['S', 'special'],
  ['SD', 'soft_dirty'],
  ['DEV', 'devmap'],
  ['NX', 'nx'],
] as const

export interface Entry {
  readonly mm: number
  readonly run: RunView<typeof Pte>
}

/** The leaf entries of all address spaces, by address. */
export const entriesOf = (k: Kernel): Entry[] =>
  k.mms.rows().flatMap(({ id }) =>
    k.ptes
      .in(id)
      .runs()
      .map((run) => ({ mm: id, run })),
  )

export function selectPageTable(
  k: Kernel,
  changes: readonly Change[],
  findings: readonly Finding[],
): CardView[] {
  const entries = entriesOf(k)
  const cards = entries.slice(0, MAX_ENTRIES).map((entry) => entryCard(k, entry, changes, findings))
  const more = entries.length - MAX_ENTRIES
  const rest: CardView[] =
    more > 0 ? [note(`and ${more.toLocaleString('en')} more runs of entries`)] : []
  return [...cards, ...rest, ...emptyAreas(k)]
}

const note = (title: string): CardView => ({
  target: { kind: 'none', id: 0 },
  title,
  side: '',
  tone: 'quiet',
  rows: [],
})

function entryCard(
  k: Kernel,
  { mm, run }: Entry,
  changes: readonly Change[],
  findings: readonly Finding[],
): CardView {
  const { pgd, pud, pmd, pte } = indicesOf(run.start)
  const isPmd = (run.flags & PTE.pse) !== 0
  const count = isPmd ? run.length / PMD_PAGES : run.length
  const broken = brokenText(k, { mm, run }, findings)
  const name = isPmd ? `PMD ${pmd}` : `PTE ${pte}`
  const owner = k.mms.rows().length > 1 ? `${k.mms.at(mm).comm}: ` : ''
  const rows: Row[] = [
    { kind: 'bits', bits: bitCells(run, wasAtKey(changes, 'ptes', mm, run.start, 'flags')) },
    { kind: 'text', label: 'pfn', value: pageRange(run.pfn, run.length) },
  ]
  if (broken !== undefined) rows.push({ kind: 'text', value: broken, tone: 'broken' })
  return {
    target: { kind: 'pte', id: mm, key: run.start },
    above: `${owner}PGD ${pgd} › PUD ${pud}${isPmd ? '' : ` › PMD ${pmd}`}`,
    title: count > 1 ? `${name} and ${count - 1} more` : name,
    side: isPmd ? 'leaf, 2 MiB' : 'leaf, 4 KiB',
    tone: broken === undefined ? 'plain' : 'broken',
    rows,
  }
}

/** Why an entry is drawn as broken: a property names it, or it maps what has no struct page. */
function brokenText(
  k: Kernel,
  { mm, run }: Entry,
  findings: readonly Finding[],
): string | undefined {
  const named = findings.find(
    ({ table, id, key = -1 }) => table === 'ptes' && id === mm && run.start <= key && key < run.end,
  )
  if (named !== undefined) return named.says
  const isStale = (run.flags & PTE.devmap) !== 0 && !k.pages.covers(run.pfn, run.pfn + run.length)
  return isStale ? 'still present; no struct page is behind it' : undefined
}

function bitCells({ flags }: RunView<typeof Pte>, before: unknown): BitCell[] {
  const set = new Set(flagsSet(PTE, flags))
  const had = before === undefined ? set : new Set(flagsSet(PTE, before as number))
  return DRAWN.map(([name, flag]) => ({
    name,
    on: set.has(flag),
    changed: set.has(flag) !== had.has(flag),
  }))
}

/** Areas that no entry maps a page of. */
function emptyAreas(k: Kernel): CardView[] {
  const empty = k.vmas
    .rows()
    .filter(({ vm_mm, vm_start, vm_end }) => k.ptes.in(vm_mm).runs(vm_start, vm_end).length === 0)
  return empty.map(({ id, label, vm_start }) => {
    const { pgd, pud, pmd } = indicesOf(vm_start)
    return {
      target: { kind: 'vma', id },
      above: `PGD ${pgd} › PUD ${pud} › PMD ${pmd}`,
      title: 'none',
      side: `area ${label}`,
      tone: 'quiet',
      rows: [{ kind: 'text', value: 'No entry: the next access faults.', tone: 'quiet' }],
    }
  })
}

/** From entries to the pages that they map. */
export function linkPageTable(k: Kernel, findings: readonly Finding[]): Link[] {
  return entriesOf(k)
    .slice(0, MAX_ENTRIES)
    .map(({ mm, run }) => ({
      from: { kind: 'pte', id: mm, key: run.start },
      to: { kind: 'page', id: 0, key: run.pfn },
      tone: brokenText(k, { mm, run }, findings) === undefined ? 'mapped' : 'broken',
    }))
}
