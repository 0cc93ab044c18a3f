import { affine, bits, choice, flags, flagsValue, int, struct } from '../../../arena'

/** Page table entry bits: arch/x86/include/asm/pgtable_types.h, 6.12. */
export const PTE = flags({
  present: 0,
  rw: 1,
  user: 2,
  accessed: 5,
  dirty: 6,
  pse: 7,
  protnone: 8,
  special: 9,
  uffd_wp: 10,
  soft_dirty: 11,
  devmap: 57,
  saved_dirty: 58,
  nx: 63,
  swp_exclusive: 3,
})

/** What an entry is that is not present: include/linux/swapops.h. */
const ENTRY_KINDS = [
  'leaf',
  'swap',
  'migration_read',
  'migration_read_exclusive',
  'migration_write',
  'hwpoison',
  'device_private_read',
  'device_private_write',
] as const

/** An entry, by virtual page; with `pse` it is a PMD and covers 512 of them. No row: none. */
export const Pte = struct('pte', {
  pfn: affine('The page; the offset in the swap file where kind is swap.'),
  flags: bits(PTE, 'Bits of the entry.'),
  kind: choice(ENTRY_KINDS, 'leaf maps a page; the others are not present.'),
  gen: int(
    0,
    'Which binding of the device the page belonged to when it was mapped; not in the kernel.',
  ),
  written: int(0, 'A CPU stored through it since soft-dirty was last cleared; not in the kernel.'),
})

type Entry = {
  readonly pfn: number
  readonly flags: number
  readonly kind: (typeof ENTRY_KINDS)[number]
}

/** pte_present(): a leaf that maps a page, readable or PROT_NONE. */
export const isPresent = ({ kind, flags: set }: Pick<Entry, 'kind' | 'flags'>): boolean =>
  kind === 'leaf' && (set & (PTE.present | PTE.protnone)) !== 0

/** is_device_private_entry(): the page is in memory that the CPU cannot address. */
export const isDevicePrivate = ({ kind }: Pick<Entry, 'kind'>): boolean =>
  kind === 'device_private_read' || kind === 'device_private_write'

/** pte_dirty(): D, or SavedDirty where D would mean a shadow stack (6.6). */
export const DIRTY = PTE.dirty | PTE.saved_dirty

/** pte_wrprotect(): clears RW; from 6.6 on, D moves to SavedDirty. */
export function wrprotect(set: number, savedDirty: boolean): number {
  const clear = set & ~PTE.rw
  return savedDirty && (clear & PTE.dirty) !== 0 ? (clear & ~PTE.dirty) | PTE.saved_dirty : clear
}

/** pte_mkwrite(): sets RW; SavedDirty moves back to D. */
export function mkwrite(set: number): number {
  const open = set | PTE.rw
  return (open & PTE.saved_dirty) !== 0 ? (open & ~PTE.saved_dirty) | PTE.dirty : open
}

/** pte_mkold(): as if the CPU had never used it. */
export const mkold = (set: number): number => set & ~PTE.accessed

const PFN_MASK = 0x000ffffffffff000n
const SWAP_TYPES = {
  swap: 0n,
  hwpoison: 23n,
  migration_read: 24n,
  migration_read_exclusive: 25n,
  migration_write: 26n,
  device_private_write: 27n,
  device_private_read: 28n,
} as const

/** Bits of a swap entry that are not where a present one has them (pgtable_64.h, swapops.h). */
const SWP_SOFT_DIRTY = 1n << 1n
const SWP_EXCLUSIVE = 1n << 3n
const OFFSET_BITS = 50n
/** A migration entry keeps A and D above the 34 bits of the pfn, within the offset (swapops.h, 6.1). */
const MIG_YOUNG = 1n << 34n
const MIG_DIRTY = 1n << 35n

/** The 64 bits of an entry, as the hardware would read them. */
export function pteValue({ pfn, flags: set, kind }: Entry): bigint {
  if (kind === 'leaf') return leafValue(pfn, set)
  const isMigration = kind.startsWith('migration')
  const young = isMigration && (set & PTE.accessed) !== 0 ? MIG_YOUNG : 0n
  const dirty = isMigration && (set & DIRTY) !== 0 ? MIG_DIRTY : 0n
  const offset = BigInt(pfn) | young | dirty
  const inverted = ~offset & ((1n << OFFSET_BITS) - 1n)
  const soft = (set & PTE.soft_dirty) !== 0 ? SWP_SOFT_DIRTY : 0n
  const exclusive = (set & PTE.swp_exclusive) !== 0 ? SWP_EXCLUSIVE : 0n
  return (SWAP_TYPES[kind] << 59n) | (inverted << 9n) | soft | exclusive
}

/** With P clear the pfn bits are inverted, so that no speculation reads what they name (L1TF). */
function leafValue(pfn: number, set: number): bigint {
  const frame = (BigInt(pfn) << 12n) & PFN_MASK
  const isInverted = (set & PTE.present) === 0
  return (isInverted ? ~frame & PFN_MASK : frame) | flagsValue(PTE, set & ~PTE.swp_exclusive)
}

/** Pages that one PMD leaf maps. */
export const PMD_PAGES = 512
