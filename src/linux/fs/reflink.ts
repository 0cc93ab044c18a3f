import { at } from '../../machine'
import type { Kernel } from '../kernel'
import { unmap_mapping_range } from '../mm/rmap'
import { deleteEntries, type Span, slotsOf, untilEntryUnlocked } from './dax-entries'
import { findFreeBlocks } from './extents'

/** A stretch of file pages [start, end) at one stretch of blocks. */
interface Piece {
  readonly start: number
  readonly end: number
  readonly pfn: number
}

/** Ranges of blocks in one piece where they touch or overlap. */
function merged(ranges: readonly [from: number, to: number][]): [from: number, to: number][] {
  const pieces: [from: number, to: number][] = []
  for (const [from, to] of [...ranges].sort(([a], [b]) => a - b)) {
    const last = pieces.at(-1)
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to)
    else pieces.push([from, to])
  }
  return pieces
}

/** xfs_reflink_trim_around_shared(): the stretches of [first, last) whose blocks other files have too. */
function sharedPieces(k: Kernel, inode: number, first: number, last: number): Piece[] {
  const { i_sb } = k.inodes.at(inode)
  const others = k.inodes
    .rows()
    .filter((other) => other.id !== inode && other.i_sb === i_sb)
    .flatMap(({ id }) => k.extents.in(id).runs())
  return k.extents
    .in(inode)
    .runs(first, last)
    .flatMap(({ start, pfn, length }) => {
      const overlaps = others
        .map((other): [from: number, to: number] => [
          Math.max(pfn, other.pfn),
          Math.min(pfn + length, other.pfn + other.length),
        ])
        .filter(([from, to]) => from < to)
      return merged(overlaps).map(([from, to]) => ({
        start: start + from - pfn,
        end: start + to - pfn,
        pfn: from,
      }))
    })
}

/** Do other files have the blocks of a span too: all of them, some, or none? */
export function sharingOf(k: Kernel, { inode, first, last }: Span): 'all' | 'some' | 'none' {
  const [piece] = sharedPieces(k, inode, first, last)
  if (piece === undefined) return 'none'
  return piece.start === first && piece.end === last ? 'all' : 'some'
}

/** xfs_reflink_allocate_cow(), and the copy: a stretch gets blocks of its own. Undefined: no space. */
export function allocateCow(k: Kernel, inode: number, { start, end, pfn }: Piece) {
  const made = findFreeBlocks(k, k.inodes.at(inode).i_sb, end - start)
  if (made === undefined) return undefined
  for (const { start: at, end: to, value, rest, poisoned } of k.contents.runs(
    pfn,
    pfn + end - start,
  ))
    k.contents.fill(made + at - pfn, made + to - pfn, { value, rest, poisoned })
  k.extents.in(inode).fill(start, end, { pfn: made })
  k.inodes.at(inode).datasync_dirty = 1
  return made
}

/** Waits for the entries of blocks that write(2) has to replace: a fault may have one locked. */
export const untilSharedUnlocked = at(
  untilEntryUnlocked,
  (k: Kernel, { inode, first, last }: Omit<Span, 'vpn'>) =>
    sharedPieces(k, inode, first, last)
      .map(({ start, end }) => ({ inode, first: start, last: end }))
      .find((piece) => !untilEntryUnlocked.ready(k, piece)),
)

/**
 * write(2) to blocks that are shared: gives the file its own, and forgets the old ones. False: no space.
 * An entry of 2 MiB is unmapped whole; the kernel leaves single pages alone that are mapped beside it.
 */
export function unshareBlocks(k: Kernel, inode: number, first: number, last: number): boolean {
  for (const piece of sharedPieces(k, inode, first, last)) {
    if (allocateCow(k, inode, piece) === undefined) return false
    const { start: first, end: last } = piece
    unmap_mapping_range(k, inode, ...slotsOf(k, { inode, first, last }))
    deleteEntries(k, inode, first, last)
  }
  return true
}
