import { bits, flags } from '../../arena'

/** PG_*: include/linux/page-flags.h, bit numbers of 6.12. Only those that the simulation moves. */
export const PG = flags({
  locked: 0,
  writeback: 1,
  referenced: 2,
  uptodate: 3,
  dirty: 4,
  lru: 5,
  head: 6,
  active: 8,
  swapcache: 10,
  anon_exclusive: 11,
  reserved: 13,
  swapbacked: 17,
  hwpoison: 20,
})

/** The same flags at their bit numbers of 6.1, which had another order. */
export const PG_6_1 = flags({
  locked: 0,
  writeback: 15,
  referenced: 1,
  uptodate: 2,
  dirty: 3,
  lru: 4,
  head: 16,
  active: 5,
  swapcache: 10,
  anon_exclusive: 17,
  reserved: 12,
  swapbacked: 19,
  hwpoison: 23,
})

/**
 * Low bits of `mapping`: include/linux/page-flags.h. The first two together are PAGE_MAPPING_KSM.
 * PAGE_MAPPING_DAX_SHARED is the whole word being 1, with no address; it has a bit of its own here.
 */
export const PAGE_MAPPING = flags({ anon: 0, movable: 1, dax_shared: 2 })
export const PAGE_MAPPING_KSM = PAGE_MAPPING.anon | PAGE_MAPPING.movable

/** The tag of `mapping`, as a field. */
export const mappingFlags = bits(PAGE_MAPPING, 'PAGE_MAPPING_* in the low bits of mapping.')

/** What one FOLL_PIN adds to `_refcount` of a small page: 1 << 10 (include/linux/mm.h, 5.7). */
export const GUP_PIN_COUNTING_BIAS = 1024
