import { PAGE_SIZE } from '../include/mm'
import { PG } from '../include/page-flags'
import type { Kernel } from '../kernel'
import { clearFlag } from './folio'
import { handOver } from './holders'
import { alloc_page } from './page_alloc'
import { folio_add_lru, folio_put } from './swap'

/** True if the area maps a DAX file: its faults go to the file system’s DAX path. */
export function isZoneFile(k: Kernel, vma: number): boolean {
  const { vm_file } = k.vmas.at(vma)
  return vm_file !== 0 && hasPageCache(k, vm_file) === false
}

/** vma_is_fsdax(): a DAX file, and not the node of a DAX device. */
export function isFsDax(k: Kernel, vma: number): boolean {
  if (!isZoneFile(k, vma)) return false
  return k.superBlocks.at(k.inodes.at(k.vmas.at(vma).vm_file).i_sb).s_type !== 'dax'
}

/** A file of tmpfs keeps its data in the page cache; one of a DAX file system has none. */
export const hasPageCache = (k: Kernel, inode: number): boolean => {
  const { s_type, device } = k.superBlocks.at(k.inodes.at(inode).i_sb)
  if (k.policy.daxTruncate === 'noDax' && s_type !== 'dax') return true
  return s_type === 'tmpfs' || device === 0
}

/** A file of an ordinary disk, without DAX: mapping_can_writeback(), and what is lost can be read again. */
export const isOnDisk = (k: Kernel, inode: number): boolean =>
  hasPageCache(k, inode) && k.superBlocks.at(k.inodes.at(inode).i_sb).s_type !== 'tmpfs'

export const pagesOfFile = (k: Kernel, inode: number): number =>
  Math.ceil(k.inodes.at(inode).i_size / PAGE_SIZE)

/** filemap_get_folio(): the cached page, without a reference. */
export const cachedPage = (k: Kernel, inode: number, index: number): number | undefined => {
  const cache = k.pageCache.in(inode)
  return cache.has(index) ? cache.at(index).pfn : undefined
}

/** shmem_get_folio(), or filemap_get_folio() and a read from disk: a page of a file, made if there is none. The cache holds one reference. */
export function shmem_get_folio(
  k: Kernel,
  inode: number,
  index: number,
  cpu: number,
): number | undefined {
  const found = cachedPage(k, inode, index)
  if (found !== undefined) return found
  const pfn = alloc_page(k)
  if (pfn === undefined) return undefined
  const page = k.pages.at(pfn)
  const onDisk = isOnDisk(k, inode)
  page.flags |= PG.uptodate | (onDisk ? 0 : PG.swapbacked | PG.dirty)
  const disk = k.diskBlocks.in(inode)
  if (onDisk && disk.has(index)) {
    const { value, rest } = disk.at(index)
    k.contents.fill(pfn, pfn + 1, { value, rest })
  }
  page.mapping = k.inodes.at(inode).id
  page.index = index
  k.pageCache.in(inode).fill(index, index + 1, { pfn })
  // The allocation’s reference is the cache’s from here.
  handOver(k, pfn, 'alloc')
  folio_add_lru(k, cpu, pfn)
  return pfn
}

/** truncate_inode_folio(): the cache lets the page go; who maps or pins it keeps it. */
export function filemap_remove_folio(k: Kernel, inode: number, index: number): void {
  const pfn = cachedPage(k, inode, index)
  if (pfn === undefined) return
  k.pageCache.in(inode).clear(index, index + 1)
  clearFlag(k, pfn, PG.dirty)
  k.pages.at(pfn).mapping = 0
  folio_put(k, pfn)
}
