import { type Change, flagsSet } from '../../arena'
import { isReachable } from '../../linux/drivers/cxl/fabric'
import { ENTIRELY_MAPPED } from '../../linux/include/mm_types'
import { PG } from '../../linux/include/page-flags'
import type { Kernel } from '../../linux/kernel'
import {
  isAnon,
  isKsm,
  isZeroPage,
  maybeDmaPinned,
  pageMapcount,
  tracksExclusive,
} from '../../linux/mm/folio'
import { processName } from '../scene/names'
import type { PageGroup } from '../scene/pages'
import type { BitCell, CardView, Pill, Row } from '../shared/cards'
import { was, wasAtKey } from '../shared/changed'
import { hex, hexWord, pageCount, pageRange } from '../shared/format'
import { byteOf } from '../shared/page-byte'
import { harmOf } from './harm'
import { isReallyPinned, labelsRow, momentaryRows } from './users'

/** Short names of the flags, in the order of their bits; exclusive and swapcache are drawn apart. */
const FLAGS = [
  ['lck', 'locked'],
  ['wb', 'writeback'],
  ['ref', 'referenced'],
  ['upt', 'uptodate'],
  ['drt', 'dirty'],
  ['lru', 'lru'],
  ['hd', 'head'],
  ['act', 'active'],
  ['rsv', 'reserved'],
  ['swb', 'swapbacked'],
  ['poi', 'hwpoison'],
] as const

/** A folio of ordinary memory, with all that is known of it; `who` says who has it. */
export function folioCard(
  k: Kernel,
  group: PageGroup,
  { changes, who }: { readonly changes: readonly Change[]; readonly who: string },
): CardView {
  const { start, end, isFull } = group
  const isPinned = maybeDmaPinned(k, start)
  const harm = harmOf(k, start)
  const rows = isFull ? fullRows(k, group, changes) : shortRows(k, group, changes)
  return {
    target: { kind: 'page', id: 0, key: start },
    above: who,
    title: pageRange(start, end - start),
    side: sideText(k, group),
    tone: harm.tone ?? (isPinned ? 'pinned' : 'plain'),
    rows: [...harm.rows, ...rows],
  }
}

function sideText(k: Kernel, { start, end }: PageGroup): string {
  if (isZeroPage(k, start)) return 'the zero page'
  const kind = isKsm(k, start) ? 'KSM' : isAnon(k, start) ? 'anonymous' : ''
  const pages = k.folios.has(start) ? `order ${k.folios.at(start).order}` : pageCount(end - start)
  return kind === '' ? pages : `${kind}, ${pages}`
}

function countRow(k: Kernel, pfn: number, changes: readonly Change[]): Row {
  const before = wasAtKey(changes, 'pages', 0, pfn, 'refcount')
  return {
    kind: 'count',
    label: '_refcount',
    value: k.pages.at(pfn).refcount,
    ...was(before, Number),
  }
}

const holdsRow = (k: Kernel, pfn: number, changes: readonly Change[]): Row => ({
  kind: 'byte',
  label: isReachable(k, pfn) ? 'holds' : 'reads as',
  byte: byteOf(k, pfn, changes),
})

const shortRows = (k: Kernel, { start }: PageGroup, changes: readonly Change[]): Row[] => [
  holdsRow(k, start, changes),
  countRow(k, start, changes),
  mapcountRow(k, start, changes),
]

function fullRows(k: Kernel, { start, end }: PageGroup, changes: readonly Change[]): Row[] {
  return [
    holdsRow(k, start, changes),
    countRow(k, start, changes),
    mapcountRow(k, start, changes),
    ...largeRows(k, start, changes),
    wordRow(k, start),
    pinnedRow(k, start),
    { kind: 'bits', bits: flagCells(k, start, changes) },
    prominentRow(k, start, end),
    mappingRow(k, start),
    labelsRow(k, start),
    ...momentaryRows(k, start),
  ]
}

function mapcountRow(k: Kernel, pfn: number, changes: readonly Change[]): Row {
  const before = wasAtKey(changes, 'pages', 0, pfn, 'mapcount')
  return {
    kind: 'text',
    label: '_mapcount',
    value: `${k.pages.at(pfn).mapcount}  (page_mapcount ${pageMapcount(k, pfn)})`,
    ...was(before, String),
  }
}

/** Counters that only a large folio has. */
function largeRows(k: Kernel, pfn: number, changes: readonly Change[]): Row[] {
  if (!k.folios.has(pfn)) return []
  const { pincount, entire_mapcount, large_mapcount, nr_pages_mapped } = k.folios.at(pfn)
  const entirely = nr_pages_mapped >= ENTIRELY_MAPPED
  const pages = nr_pages_mapped % ENTIRELY_MAPPED
  const row = (field: string, value: string): Row => ({
    kind: 'text',
    label: `_${field}`,
    value,
    ...was(wasAtKey(changes, 'folios', 0, pfn, field), String),
  })
  return [
    row('pincount', String(pincount)),
    row('entire_mapcount', `${entire_mapcount}  (${counted(entire_mapcount + 1, 'PMD', 'PMDs')})`),
    row(
      'large_mapcount',
      `${large_mapcount}  (${counted(large_mapcount + 1, 'entry', 'entries')})`,
    ),
    row('nr_pages_mapped', entirely ? `${pages} + ENTIRELY_MAPPED` : String(pages)),
  ]
}

const counted = (count: number, one: string, more: string): string =>
  `${count} ${count === 1 ? one : more}`

/** `_refcount` and `_mapcount` are neighbours: one 64-bit word, which cmpxchg could compare at once. */
function wordRow(k: Kernel, pfn: number): Row {
  const { refcount, mapcount } = k.pages.at(pfn)
  const word = (BigInt.asUintN(32, BigInt(refcount)) << 32n) | BigInt.asUintN(32, BigInt(mapcount))
  return { kind: 'text', label: 'both, 64 bits', value: hexWord(word) }
}

function pinnedRow(k: Kernel, pfn: number): Row {
  const label = 'folio_maybe_dma_pinned'
  if (k.policy.pinCount === 'one')
    return { kind: 'text', label, value: 'not before 5.7', tone: 'quiet' }
  const isPinned = maybeDmaPinned(k, pfn)
  return {
    kind: 'text',
    label,
    value: isPinned ? (isReallyPinned(k, pfn) ? 'yes' : 'yes, falsely') : 'no',
    tone: isPinned ? 'pinned' : 'plain',
  }
}

function flagCells(k: Kernel, pfn: number, changes: readonly Change[]): BitCell[] {
  const set = new Set(flagsSet(PG, k.pages.at(pfn).flags))
  const before = wasAtKey(changes, 'pages', 0, pfn, 'flags')
  const had = before === undefined ? set : new Set(flagsSet(PG, before as number))
  return FLAGS.map(([name, flag]) => ({
    name,
    says: flag,
    on: set.has(flag),
    changed: set.has(flag) !== had.has(flag),
  }))
}

/** The two flags that decide about copies; the first only where this kernel has it. */
function prominentRow(k: Kernel, start: number, end: number): Row {
  const count = (flag: number) =>
    k.pages
      .runs(start, end)
      .reduce((sum, { flags, length }) => sum + ((flags & flag) === 0 ? 0 : length), 0)
  const pill = (name: string, flag: number): Pill => {
    const on = count(flag)
    // Mapped by a PMD, the head’s flag speaks for all.
    const isPart =
      on > 1 || (on === 1 && k.folios.has(start) && k.folios.at(start).entire_mapcount < 0)
    return { text: isPart ? `${name} ${on}` : name, on: on > 0, tone: 'owned' }
  }
  const exclusive = tracksExclusive(k) ? [pill('anon_exclusive', PG.anon_exclusive)] : []
  return { kind: 'pills', label: 'PG_', pills: [...exclusive, pill('swapcache', PG.swapcache)] }
}

function mappingRow(k: Kernel, pfn: number): Row {
  const { mapping, anon_vma, index } = k.pages.at(pfn)
  const value = isKsm(k, pfn)
    ? 'KSM: its stable node'
    : isAnon(k, pfn)
      ? `anon_vma of ${processName(k, anon_vma)}`
      : mapping === 0 || !k.inodes.isLive(mapping)
        ? 'NULL'
        : `${k.inodes.at(mapping).name}, index ${hex(index)}`
  return { kind: 'text', label: 'mapping', value }
}
