/** Index of a virtual page in each table of the walk; nine bits each (x86-64, four levels). */
export interface Indices {
  readonly pgd: number
  readonly pud: number
  readonly pmd: number
  readonly pte: number
}

const ENTRIES = 512

/** P4D is folded into PGD with four levels, as the kernel has it. */
export const indicesOf = (vpn: number): Indices => ({
  pgd: Math.floor(vpn / ENTRIES ** 3) % ENTRIES,
  pud: Math.floor(vpn / ENTRIES ** 2) % ENTRIES,
  pmd: Math.floor(vpn / ENTRIES) % ENTRIES,
  pte: vpn % ENTRIES,
})
