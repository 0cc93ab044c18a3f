import { type Change, flagsSet } from '../../arena'
import { GUP_PIN_COUNTING_BIAS, PG } from '../../linux/include/page-flags'
import type { Kernel } from '../../linux/kernel'
import { entriesOf } from '../page-table/select'
import type { CardView, Link, Row, Segment } from '../shared/cards'
import { was, wasAtKey } from '../shared/changed'
import { hex, pageCount, pageRange } from '../shared/format'

const MAX_CARDS = 10

/** _refcount of an idle page of a DAX device, up to 6.14. */
const IDLE = 1

/** Pages [start, end) that are alike. */
interface Stretch {
  readonly start: number
  readonly end: number
}

/** Stretches of pages that something maps or holds, cut where struct pages differ. */
export function heldPages(k: Kernel): Stretch[] {
  const mapped = entriesOf(k).map(({ run }) => ({ start: run.pfn, end: run.pfn + run.length }))
  const pinned = k.pinHandles
    .rows()
    .flatMap(({ id }) => k.pinned.in(id).runs())
    .map(({ pfn, length }) => ({ start: pfn, end: pfn + length }))
  return merged([...mapped, ...pinned, ...referenced(k)]).flatMap((stretch) =>
    cutByPages(k, stretch),
  )
}

/** Pages of devices that somebody holds a reference of besides the device, known to us or not. */
const referenced = (k: Kernel): Stretch[] =>
  k.pgmaps
    .rows()
    .flatMap(({ start, end }) =>
      k.pages.runs(start, end).filter(({ refcount }) => refcount !== IDLE),
    )
    .map(({ start, end }) => ({ start, end }))

function merged(stretches: readonly Stretch[]): Stretch[] {
  const sorted = [...stretches].sort((a, b) => a.start - b.start || b.end - a.end)
  const result: Stretch[] = []
  for (const next of sorted) {
    const last = result.at(-1)
    if (last === undefined || next.start > last.end) result.push(next)
    else if (next.end > last.end) result[result.length - 1] = { start: last.start, end: next.end }
  }
  return result
}

/** Cuts where the reference count changes; where there is no struct page is a piece of its own. */
function cutByPages(k: Kernel, { start, end }: Stretch): Stretch[] {
  const pieces: Stretch[] = []
  let next = start
  for (const run of k.pages.runs(start, end)) {
    if (run.start > next) pieces.push({ start: next, end: run.start })
    pieces.push({ start: run.start, end: run.end })
    next = run.end
  }
  if (next < end) pieces.push({ start: next, end })
  return pieces
}

export function selectPages(k: Kernel, changes: readonly Change[]): CardView[] {
  const held = heldPages(k)
  const cards = held.slice(0, MAX_CARDS).map((stretch) => pageCard(k, stretch, changes))
  const more = held.length - MAX_CARDS
  const rest: CardView[] =
    more > 0
      ? [
          {
            target: { kind: 'none', id: 0 },
            title: `and ${more.toLocaleString('en')} more runs of pages`,
            side: '',
            tone: 'quiet',
            rows: [],
          },
        ]
      : []
  return [...idlePages(k, held), ...cards, ...rest]
}

function pageCard(k: Kernel, { start, end }: Stretch, changes: readonly Change[]): CardView {
  const common = {
    target: { kind: 'page', id: 0, key: start },
    title: pageRange(start, end - start),
    side: pageCount(end - start),
  }
  if (!k.pages.has(start))
    return { ...common, tone: 'gone', rows: [...goneRows, contentsRow(k, start)] }
  const { refcount, mapcount, flags } = k.pages.at(start)
  const before = wasAtKey(changes, 'pages', 0, start, 'refcount')
  const pinned = refcount >>> 0 >= GUP_PIN_COUNTING_BIAS
  const rows: Row[] = [
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
    contentsRow(k, start),
  ]
  return { ...common, tone: pinned ? 'pinned' : 'plain', rows }
}

const goneRows: readonly Row[] = [
  { kind: 'text', value: 'struct page: gone', tone: 'broken' },
  { kind: 'text', value: 'pfn_valid() = 0, the memory map is freed', tone: 'quiet' },
]

function ownerRow(k: Kernel, pfn: number): Row {
  const { mapping, index } = k.pages.at(pfn)
  const value = mapping === 0 ? 'NULL' : `${k.inodes.at(mapping).name}, index ${hex(index)}`
  return { kind: 'text', label: 'mapping', value }
}

function contentsRow(k: Kernel, pfn: number): Row {
  const value = k.contents.has(pfn) ? k.contents.at(pfn).value : 0
  return { kind: 'text', label: 'first byte', value: `0x${value.toString(16).padStart(2, '0')}` }
}

/** All other pages of a device, in one card, with a strip of the whole range to scale. */
function idlePages(k: Kernel, held: readonly Stretch[]): CardView[] {
  return k.pgmaps.rows().flatMap((pgmap): CardView[] => {
    const inside = held.filter(({ start }) => pgmap.start <= start && start < pgmap.end)
    const drawn = inside.reduce((sum, { start, end }) => sum + end - start, 0)
    const others = pgmap.end - pgmap.start - drawn
    if (others === 0) return []
    const hasMap = k.pages.runs(pgmap.start, pgmap.end).length > 0
    const says = hasMap ? '_refcount 1: only the device holds them' : 'struct page: gone'
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
const stripOf = (k: Kernel, origin: number, held: readonly Stretch[]): Segment[] =>
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

/** From pages to the pgmap and the file that they belong to. */
export function linkPages(k: Kernel): Link[] {
  return heldPages(k)
    .slice(0, MAX_CARDS)
    .flatMap(({ start }): Link[] => {
      const from = { kind: 'page', id: 0, key: start }
      if (!k.pages.has(start)) {
        const former = k.pgmaps.find((pgmap) => pgmap.start <= start && start < pgmap.end)
        return former === undefined
          ? []
          : [{ from, to: { kind: 'pgmap', id: former.id }, tone: 'gone' }]
      }
      const { pgmap, mapping } = k.pages.at(start)
      const links: Link[] = []
      if (pgmap !== 0) links.push({ from, to: { kind: 'pgmap', id: pgmap }, tone: 'quiet' })
      if (mapping !== 0) links.push({ from, to: { kind: 'inode', id: mapping }, tone: 'owned' })
      return links
    })
}
