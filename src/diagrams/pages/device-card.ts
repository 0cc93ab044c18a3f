import { type Change, flagsSet } from '../../arena'
import { GUP_PIN_COUNTING_BIAS, PG } from '../../linux/include/page-flags'
import type { Kernel } from '../../linux/kernel'
import { isPfnmap } from '../../linux/mm/memory-pfnmap'
import { idleCount } from '../../linux/mm/memremap-ref'
import type { PageGroup } from '../scene/pages'
import type { CardView, Row, Segment } from '../shared/cards'
import { was, wasAtKey } from '../shared/changed'
import { hex, pageCount, pageRange } from '../shared/format'
import { byteOf } from '../shared/page-byte'
import { harmOf } from './harm'

/** A stretch of pages of a device, alike. */
export function deviceCard(
  k: Kernel,
  { start, end }: PageGroup,
  changes: readonly Change[],
): CardView {
  const common = {
    target: { kind: 'page', id: 0, key: start },
    title: pageRange(start, end - start),
    side: pageCount(end - start),
  }
  if (!k.pages.has(start) && isIoMemory(k, start))
    return { ...common, tone: 'plain', rows: [...ioRows, contentsRow(k, start, changes)] }
  if (!k.pages.has(start))
    return { ...common, tone: 'gone', rows: [...goneRows, contentsRow(k, start, changes)] }
  const { refcount, mapcount, flags } = k.pages.at(start)
  const before = wasAtKey(changes, 'pages', 0, start, 'refcount')
  const pinned = refcount >>> 0 >= GUP_PIN_COUNTING_BIAS
  const harm = harmOf(k, start)
  const rows: Row[] = [
    ...harm.rows,
    { kind: 'count', label: '_refcount', value: refcount, ...was(before, Number) },
    { kind: 'text', label: '_mapcount', value: `${mapcount}  (page_mapcount ${mapcount + 1})` },
    {
      kind: 'text',
      label: 'folio_maybe_dma_pinned',
      value: pinned ? 'yes' : 'no',
      tone: pinned ? 'pinned' : 'plain',
    },
    { kind: 'text', label: 'flags', value: flagsSet(PG, flags).join(' ') || 'none' },
    ownerRow(k, start),
    contentsRow(k, start, changes),
  ]
  return { ...common, tone: harm.tone ?? (pinned ? 'pinned' : 'plain'), rows }
}

const ioRows: readonly Row[] = [
  { kind: 'text', value: 'I/O memory: no struct page', tone: 'quiet' },
]

/** True if somebody maps the page as I/O memory. */
const isIoMemory = (k: Kernel, pfn: number): boolean =>
  k.vmas.find(
    (vma) => isPfnmap(vma) && vma.vm_pgoff <= pfn && pfn < vma.vm_pgoff + vma.vm_end - vma.vm_start,
  ) !== undefined

const goneRows: readonly Row[] = [
  { kind: 'text', value: 'struct page: gone', tone: 'broken' },
  { kind: 'text', value: 'pfn_valid() = 0, the memory map is freed', tone: 'quiet' },
]

function ownerRow(k: Kernel, pfn: number): Row {
  const { mapping, index } = k.pages.at(pfn)
  const value = mapping === 0 ? 'NULL' : `${k.inodes.at(mapping).name}, index ${hex(index)}`
  return { kind: 'text', label: 'mapping', value }
}

const contentsRow = (k: Kernel, pfn: number, changes: readonly Change[]): Row => ({
  kind: 'byte',
  label: 'first byte',
  byte: byteOf(k, pfn, changes),
})

const idleText = (count: number): string =>
  count === 0 ? '_refcount 0: nobody holds them' : '_refcount 1: only the device holds them'

/** All other pages of a device, in one card, with a strip of the whole range to scale. */
export function idlePages(k: Kernel, held: readonly PageGroup[]): CardView[] {
  return k.pgmaps.rows().flatMap((pgmap): CardView[] => {
    const inside = held.filter(({ start }) => pgmap.start <= start && start < pgmap.end)
    const drawn = inside.reduce((sum, { start, end }) => sum + end - start, 0)
    const others = pgmap.end - pgmap.start - drawn
    if (others === 0) return []
    const hasMap = k.pages.runs(pgmap.start, pgmap.end).length > 0
    const says = hasMap ? idleText(idleCount(k, pgmap.type)) : 'struct page: gone'
    const card: CardView = {
      target: { kind: 'pgmap', id: pgmap.id, key: pgmap.start },
      title: drawn === 0 ? pageCount(others) : `the other ${pageCount(others)}`,
      side: hasMap ? 'idle' : '',
      tone: hasMap ? 'quiet' : 'gone',
      rows: [
        { kind: 'bar', total: pgmap.end - pgmap.start, segments: stripOf(k, pgmap.start, inside) },
        { kind: 'text', value: pageRange(pgmap.start, pgmap.end - pgmap.start), tone: 'quiet' },
        { kind: 'text', value: says, tone: 'quiet' },
      ],
    }
    return [card]
  })
}

/** Where the pages that are mapped or held lie in the device. */
const stripOf = (k: Kernel, origin: number, held: readonly PageGroup[]): Segment[] =>
  held.map(({ start, end }) => {
    const isPinned = k.pages.has(start) && k.pages.at(start).refcount >= GUP_PIN_COUNTING_BIAS
    const tone = !k.pages.has(start) ? 'broken' : isPinned ? 'pinned' : 'mapped'
    return {
      start: start - origin,
      end: end - origin,
      tone,
      says: `${pageRange(start, end - start)} ${tone}`,
    }
  })
