import { affine, int, struct, wide } from '../../arena'

/** A slot of the swap device, by offset: swap_map[], the swap cache, and what is on disk. */
export const SwapSlot = struct('swap_slot', {
  count: int(0, 'swap_map: page table entries that name the slot.'),
  has_cache: int(0, 'SWAP_HAS_CACHE: a folio is in the swap cache for it.'),
  pfn: wide(0, 'The folio in the swap cache, while has_cache is set.'),
  written: int(0, 'The slot holds the data: it was written out.'),
  value: int(0, 'Byte 0 of what was written.'),
  rest: int(0, 'Byte 512 of what was written.'),
})

/** A node of KSM’s stable tree (mm/ksm.c). It holds no reference of its page. */
export const StableNode = struct('stable_node', {
  kpfn: wide(0, 'The KSM page.'),
  value: int(0, 'Byte 0 when it was merged; not in the kernel, which compares pages.'),
  rest: int(0, 'Byte 512 when it was merged; not in the kernel.'),
})

/** An entry of a file’s page cache (address_space.i_pages), by file page. */
export const CachedPage = struct('cached_page', { pfn: affine('The page.') })
