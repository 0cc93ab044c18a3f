import { NONE } from '../../arena'
import { PAGE_MAPPING } from '../include/page-flags'
import type { Kernel } from '../kernel'
import { printk } from '../kernel/printk'

type PageRun = ReturnType<Kernel['pages']['runs']>[number]

/** dax_folio_is_shared(): the page counts the files that have its block, and names none. */
const isCounting = ({ mapping_flags, share }: PageRun): boolean =>
  (mapping_flags & PAGE_MAPPING.dax_shared) !== 0 || share > 0

/** One file more: a page that one file had until now counts that one too. */
function shareGet(k: Kernel, page: PageRun) {
  const before = isCounting(page) ? page.share : page.mapping === 0 ? 0 : 1
  const mapping_flags = k.policy.daxReflink === 'sentinel' ? PAGE_MAPPING.dax_shared : 0
  return { mapping: 0, index: NONE, mapping_flags, share: before + 1 } as const
}

/** dax_associate_entry(): the pages learn which file they are part of, or that there is one more. */
export function associate(
  k: Kernel,
  { inode, first, last }: { inode: number; first: number; last: number },
  pfn: number,
  isShared: boolean,
): void {
  k.pages.edit(pfn, pfn + last - first, (page) => {
    // From 6.15 on the first of several is associated as if it were the only one.
    const isFirst = page.mapping === 0 && !isCounting(page)
    if (isShared && !(isFirst && k.policy.daxReflink === 'nullMapping')) return shareGet(k, page)
    return { mapping: k.inodes.at(inode).id, index: first + (page.start - pfn) }
  })
}

/** `_refcount` of an fs-dax page that nobody uses: up to 6.14 the device itself holds one reference. */
export const daxIdle = (k: Kernel): number => (k.policy.daxRefcount === 'counted' ? 0 : 1)

/** dax_busy_page(): has anybody an fs-dax page besides the device, and besides entries that count in it? */
export const isBusy = (
  k: Kernel,
  { refcount, mapcount }: { refcount: number; mapcount: number },
): boolean => refcount - (k.policy.daxRefcount === 'counted' ? mapcount + 1 : 0) > daxIdle(k)

/** dax_disassociate_entry(): the pages forget the file. One that is in use is only warned about, by truncate. */
export function disassociate(
  k: Kernel,
  inode: number,
  first: number,
  last: number,
  isTruncated: boolean,
): void {
  for (const { pfn, length } of k.daxEntries.in(inode).runs(first, last)) {
    if (pfn === NONE) continue
    const isInUse = k.pages.runs(pfn, pfn + length).some((page) => isBusy(k, page))
    if (isTruncated && isInUse && k.policy.daxRefcount === 'oneBased')
      printk(k, 'WARNING: CPU: 0 PID: 0 at fs/dax.c:390 dax_disassociate_entry')
    k.pages.edit(pfn, pfn + length, ({ share }) =>
      share > 1 ? { share: share - 1 } : { mapping: 0, index: NONE, mapping_flags: 0, share: 0 },
    )
  }
}
