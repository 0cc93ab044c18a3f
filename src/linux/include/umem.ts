import { affine, int, ref, struct, wide } from '../../arena'

/** How a handle is called that an RDMA adapter has registered. */
export const MEMORY_REGION = 'RDMA region'

/** struct ib_umem_odp (include/rdma/ib_umem_odp.h): memory that an RDMA adapter maps on demand, without pins. */
export const UmemOdp = struct('ib_umem_odp', {
  mm: ref('mm_struct', 'Whose memory it is.'),
  start: wide(0, 'First virtual page.'),
  pages: int(0, 'How many pages.'),
  seq: int(1, 'notifier.invalidate_seq: odd, and 2 more with each invalidation of its pages.'),
})

/** What an adapter’s own page table has of a region, by virtual page. */
export const NicEntry = struct('odp_entry', {
  pfn: affine('The page that the adapter reaches.'),
})
