import { pteValue } from './pgtable'

/** arch/x86/include/asm/msr-index.h of the series. */
export const MSR_IA32_PKRS = 0x6e1
/** Access disable and write disable of key 0 in the register; key k has them at bit 2k. */
export const PKR_AD = 1
export const PKR_WD = 2
const PKR_BITS = 2
/** No access, as the series of 2020 writes it: an AND with read-only stays read-only. */
export const PKR_CLOSED_2020 = PKR_AD | PKR_WD
export const PKS_KEYS = 16
/** _PAGE_BIT_PKEY_BIT0 (arch/x86/include/asm/pgtable_types.h, 6.12). */
const PAGE_BIT_PKEY = 59n

/** All keys but 0 without access. */
export const INIT_PKRS_2020 = 0xfffffffc
export const INIT_PKRS = 0x55555554

/** Page fault error code: P, W, PK (arch/x86/include/asm/trap_pf.h). */
const X86_PF = { prot: 0x1, write: 0x2, pk: 0x20 } as const
export const faultCode = (write: boolean): number =>
  X86_PF.prot | (write ? X86_PF.write : 0) | X86_PF.pk

/** The two bits of a key. */
export const rightsOf = (pkrs: number, key: number): number => (pkrs >>> (PKR_BITS * key)) & 3

/** update_pkey_val(): the register with other rights for one key. */
export function withRights(pkrs: number, key: number, rights: number): number {
  const at = PKR_BITS * key
  return ((pkrs & ~(3 << at)) | (rights << at)) >>> 0
}

/** True if the hardware stops a data access of the kernel to a supervisor page of this key. */
export function isDenied(rights: number, write: boolean, cr0Wp: boolean): boolean {
  return (rights & PKR_AD) !== 0 || (write && cr0Wp && (rights & PKR_WD) !== 0)
}

/** `fffffff0`, as the tables of the mails have it. */
export const pkrsText = (pkrs: number): string => pkrs.toString(16).padStart(8, '0')

/** The 64 bits of an entry of the direct map. */
export const directMapValue = (entry: { pfn: number; flags: number; pkey: number }): bigint =>
  pteValue({ pfn: entry.pfn, flags: entry.flags, kind: 'leaf' }) |
  (BigInt(entry.pkey) << PAGE_BIT_PKEY)
