import type { Wait } from '../../machine'
import { PAGE_SIZE } from '../include/mm'
import { VM } from '../include/mm_types'
import type { Kernel } from '../kernel'
import { insiders, isBehind } from '../wait-holders'
import { LOW_MEGABYTE, strictIomemChecks } from './resource-walk'

type Vma = ReturnType<Kernel['vmas']['at']>
type IomemNode = ReturnType<Kernel['iomemNodes']['at']>

/** What a file of I/O memory is, by its inode; undefined for any other file. */
export const iomemNodeOf = (k: Kernel, inode: number): IomemNode | undefined =>
  k.iomemNodes.find((node) => node.inode === inode)

/** True for a file of I/O memory, and for the inode that only has their i_mmap. */
export const isIomemInode = (k: Kernel, inode: number): boolean =>
  iomemNodeOf(k, inode) !== undefined || (inode !== 0 && inode === k.globals.iomem_inode)

/** True for an area that user space has without asking the driver: of /dev/mem, or of a PCI file. */
export function isUserMapping(k: Kernel, { vm_file, vm_flags }: Vma): boolean {
  if ((vm_flags & VM.pfnmap) === 0) return false
  const kind = iomemNodeOf(k, vm_file)?.kind
  return kind === 'mem' || kind === 'resource' || kind === 'proc'
}

/** True if areas of such a node are in the one i_mmap that a claim walks. Drivers keep their own. */
export function isShared(k: Kernel, { kind }: IomemNode): boolean {
  if (kind === 'vfio' || kind === 'uio' || k.policy.iomemClaim === 'ignore') return false
  return kind === 'mem' || k.policy.iomemClaim !== 'revokeDevmem'
}

/**
 * f_mapping of a file that is opened: iomem_get_mapping(), or the inode's own. There is no test for
 * NULL: who is opened at level 5 or later finds the inode there.
 */
export const mappingOf = (k: Kernel, node: IomemNode) =>
  isShared(k, node) ? k.globals.iomem_inode : node.inode

/** First and last pfn, [first, end), of the pages that unmap_mapping_range() takes for a resource. */
export function revokedPages({ start, end }: { readonly start: number; readonly end: number }) {
  const first = Math.floor(start / PAGE_SIZE)
  // The length is rounded up, not the end: see W8 of the iomem sheet.
  return { first, end: first + Math.ceil((end + 1 - start) / PAGE_SIZE) }
}

/** Areas that a claim sees, which map some of [first, end), in the order of their rows. */
export const linkedAreas = (k: Kernel, first: number, end: number): Vma[] => {
  const { iomem_inode } = k.globals
  if (iomem_inode === 0) return []
  return k.vmas
    .rows()
    .filter(
      ({ i_mmap, vm_pgoff, vm_start, vm_end }) =>
        i_mmap === iomem_inode && vm_pgoff < end && first < vm_pgoff + vm_end - vm_start,
    )
}

/** The part of an area that maps [first, end), as virtual pages. */
export function overlapOf(vma: Vma, first: number, end: number) {
  const toVpn = (pfn: number) => vma.vm_start + pfn - vma.vm_pgoff
  return {
    start: Math.max(vma.vm_start, toVpn(first)),
    end: Math.min(vma.vm_end, toVpn(end)),
  }
}

/** P3 of the iomem sheet: does somebody map what is to be claimed, where that counts? */
export function isMappedByUser(k: Kernel, range: { start: number; end: number }): boolean {
  const { iomemClaim, ioStrictDevmem } = k.policy
  if (iomemClaim !== 'failDriver' && iomemClaim !== 'failDriverCounted') return false
  if (ioStrictDevmem === 'off' || !strictIomemChecks(k) || range.end < LOW_MEGABYTE) return false
  const first = Math.floor(range.start / PAGE_SIZE)
  return linkedAreas(k, first, Math.floor(range.end / PAGE_SIZE) + 1).length > 0
}

/** i_mmap_rwsem of iomem_inode, for writing: a walk keeps out those who link and unlink areas. */
export const untilIomemUnlocked: Wait<Kernel, unknown> = {
  state: 'D',
  ready: (k) => k.globals.iomem_mmap_readers === 0,
  reason: () => 'waits for i_mmap_rwsem of iomem_inode: a claim walks over its areas',
  holders: (k) => insiders(k, (frame) => isBehind(frame, 'revoke_iomem', 'lock')),
}

/** Another wait, and then that one. */
export const andIomemUnlocked = <F>(first: Wait<Kernel, F>): Wait<Kernel, F> => ({
  state: first.state,
  ready: (k, t) => first.ready(k, t) && untilIomemUnlocked.ready(k, t),
  reason: (k, t) => (first.ready(k, t) ? untilIomemUnlocked.reason(k, t) : first.reason(k, t)),
  holders: (k, t) => (first.ready(k, t) ? untilIomemUnlocked.holders(k, t) : first.holders(k, t)),
})
