import { flags } from '../../arena'

/** PG_*: include/linux/page-flags.h, bit numbers of 6.12. Only those that the simulation moves. */
export const PG = flags({
  locked: 0,
  referenced: 2,
  uptodate: 3,
  dirty: 4,
  lru: 5,
  head: 6,
  active: 8,
  swapbacked: 17,
  reserved: 13,
  hwpoison: 20,
})

/** What one FOLL_PIN adds to `_refcount` of a small page: 1 << 10 (include/linux/mm.h, 5.7). */
export const GUP_PIN_COUNTING_BIAS = 1024
