import { type Change, flagsSet } from '../../arena'
import { dax_make_entry } from '../../linux/fs/dax-entries'
import { DAX, TAG } from '../../linux/include/fs'
import { PAGE_SIZE } from '../../linux/include/mm'
import type { Kernel } from '../../linux/kernel'
import { isIomemInode } from '../../linux/kernel/iomem-mapping'
import type { BitCell, CardView, Row, Segment } from '../shared/cards'
import { wasAtKey } from '../shared/changed'
import { hex, size } from '../shared/format'

/** Files with their extents, and with the slots of i_pages. */
export const fileCards = (k: Kernel, changes: readonly Change[]): CardView[] =>
  k.inodes.rows().map((inode) => ({
    target: { kind: 'inode', id: inode.id },
    title: inode.name,
    side: `inode ${inode.i_ino}`,
    tone: 'plain',
    rows: [
      ...extentRows(k, inode),
      ...lostRows(inode),
      ...entryRows(k, inode.id, changes),
      ...cacheRows(k, inode.id),
      ...lockRows(k, inode),
    ],
  }))

/** What a file has; a file of I/O memory has no blocks, but addresses. */
const extentRows = (k: Kernel, { id, i_size }: ReturnType<Kernel['inodes']['at']>): Row[] =>
  isIomemInode(k, id)
    ? [{ kind: 'text', value: 'I/O memory, by address', tone: 'quiet' }]
    : [{ kind: 'text', label: 'size', value: size(i_size) }, extentBar(k, id, i_size)]

/** Where option 3 of the truncate debate puts blocks that are still under DMA. */
const lostRows = ({ name }: ReturnType<Kernel['inodes']['at']>): Row[] =>
  name === 'lost+found'
    ? [
        {
          kind: 'text',
          value: 'has blocks that are under DMA, until the last unpin',
          tone: 'quiet',
        },
      ]
    : []

/** Extents to scale, with what i_pages knows of them. */
function extentBar(k: Kernel, inode: number, bytes: number): Row {
  const total = Math.max(1, Math.ceil(bytes / PAGE_SIZE))
  const extents = k.extents.in(inode).runs(0, total)
  const entries = k.daxEntries.in(inode).runs(0, total)
  const cached = k.pageCache.in(inode).runs(0, total)
  const segments: Segment[] = [
    ...extents.map(
      ({ start, end }): Segment => ({
        start,
        end,
        tone: 'owned',
        says: `extent of ${end - start} ${end - start === 1 ? 'block' : 'blocks'}`,
      }),
    ),
    ...entries.map(
      ({ start, end, marks }): Segment => ({
        start,
        end,
        tone: (marks & TAG.dirty) !== 0 ? 'pinned' : 'mapped',
        says: `${end - start} pages in i_pages`,
      }),
    ),
    ...cached.map(
      ({ start, end }): Segment => ({
        start,
        end,
        tone: 'mapped',
        says: `${end - start} pages in the page cache`,
      }),
    ),
  ]
  return { kind: 'bar', total, segments }
}

/** Slots that are drawn; the others are counted. */
const MAX_ENTRIES = 3

/** Short names of the bits of a slot, and of its marks; the last two are not in its word. */
const BITS = [
  ['LOCK', 'locked', DAX.locked],
  ['PMD', 'pmd', DAX.pmd],
  ['ZERO', 'zero_page', DAX.zero_page],
  ['EMPTY', 'empty', DAX.empty],
] as const
const MARKS = [
  ['DIRTY', 'mark DIRTY', TAG.dirty],
  ['TOWR', 'mark TOWRITE', TAG.towrite],
] as const

type EntryRun = ReturnType<Kernel['daxEntries']['runs']>[number]

function entryRows(k: Kernel, inode: number, changes: readonly Change[]): Row[] {
  const entries = k.daxEntries.in(inode).runs()
  const more = entries.length - MAX_ENTRIES
  const rows = entries
    .slice(0, MAX_ENTRIES)
    .flatMap((entry): Row[] => [slotRow(inode, entry), bitsRow(inode, entry, changes)])
  return more > 0
    ? [...rows, { kind: 'text', value: `and ${more} more entries`, tone: 'quiet' }]
    : rows
}

/** A slot by its number, with the value as DAX has it, and the word that the xarray keeps. */
function slotRow(inode: number, entry: EntryRun): Row {
  const { start, length, flags, marks } = entry
  const { value, word } = dax_make_entry(entry)
  const isPmd = (flags & DAX.pmd) !== 0
  const last = length > 1 ? `…${start + length - 1}` : ''
  const name = isPmd || length === 1 ? `entry ${start}${last}` : `entries ${start}${last}`
  const words = [...flagsSet(DAX, flags), ...flagsSet(TAG, marks)].join(' ') || 'clean'
  return {
    kind: 'cells',
    least: 120,
    cells: [
      {
        target: { kind: 'dax_entry', id: inode, key: start },
        title: `${name}: ${hex(value)}`,
        lines: [`slot word ${hex(word)}`],
        on: true,
        tone: (flags & DAX.locked) !== 0 ? 'pinned' : 'mapped',
        changed: false,
        says: `${name}, value ${hex(value)}, slot word ${hex(word)}, ${words}`,
      },
    ],
  }
}

function bitsRow(inode: number, entry: EntryRun, changes: readonly Change[]): Row {
  const { start, flags, marks } = entry
  const before = (field: string, now: number) =>
    Number(wasAtKey(changes, 'daxEntries', inode, start, field) ?? now)
  const cells = (
    names: readonly (readonly [string, string, number])[],
    now: number,
    then: number,
  ): BitCell[] =>
    names.map(([name, says, bit]) => ({
      name,
      says,
      on: (now & bit) !== 0,
      changed: ((now ^ then) & bit) !== 0,
    }))
  return {
    kind: 'bits',
    bits: [
      ...cells(BITS, flags, before('flags', flags)),
      ...cells(MARKS, marks, before('marks', marks)),
    ],
  }
}

const MAX_CACHE_ROWS = 4

/** Pages of the page cache, which holds one reference of each. */
const cacheRows = (k: Kernel, inode: number): Row[] =>
  k.pageCache
    .in(inode)
    .runs()
    .slice(0, MAX_CACHE_ROWS)
    .map(({ start, length, pfn }) => ({
      kind: 'text',
      label: `page ${start}${length > 1 ? `…${start + length - 1}` : ''}`,
      value: `${hex(pfn)}${length > 1 ? '…' : ''}`,
    }))

function lockRows(k: Kernel, inode: ReturnType<Kernel['inodes']['at']>): Row[] {
  const holder = (task: number) => k.tasks.at(task).name
  const rows: Row[] = []
  if (inode.iolock !== 0)
    rows.push({ kind: 'text', label: 'IOLOCK', value: holder(inode.iolock), tone: 'pinned' })
  if (inode.mmaplock !== 0)
    rows.push({ kind: 'text', label: 'MMAPLOCK', value: holder(inode.mmaplock), tone: 'pinned' })
  if (inode.mmaplock_shared > 0)
    rows.push({ kind: 'text', label: 'MMAPLOCK shared', value: String(inode.mmaplock_shared) })
  return rows
}
