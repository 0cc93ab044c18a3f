import { affine, bits, flags, int, struct } from '../../../arena'

/** Page table entry bits: arch/x86/include/asm/pgtable_types.h, 6.12. */
export const PTE = flags({
  present: 0,
  rw: 1,
  user: 2,
  accessed: 5,
  dirty: 6,
  pse: 7,
  special: 9,
  soft_dirty: 11,
  devmap: 57,
  saved_dirty: 58,
  nx: 63,
})

/** A leaf entry, by virtual page; with `pse` it is a PMD and covers 512 of them. No row: none. */
export const Pte = struct('pte', {
  pfn: affine('The page that is mapped.'),
  flags: bits(PTE, 'Bits of the entry.'),
  gen: int(
    0,
    'Which binding of the device the page belonged to when it was mapped; not in the kernel.',
  ),
})

/** Pages that one PMD leaf maps. */
export const PMD_PAGES = 512
