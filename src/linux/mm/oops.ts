import type { Kernel } from '../kernel'
import { printk } from '../kernel/printk'

/** Where struct pages are, 64 bytes each (4-level page tables, no KASLR); compound_head is at byte 8. */
const VMEMMAP = 0xffffea0000000000n
const COMPOUND_HEAD = 8n

/** Somebody looks for the struct page of a page whose device is gone. */
export function oops(k: Kernel, pfn: number, at: string, caller: string): void {
  const address = (VMEMMAP + BigInt(pfn) * 64n + COMPOUND_HEAD).toString(16)
  const what = 'a struct page that no longer exists'
  printk(k, `BUG: unable to handle page fault for address ${address} (${what})`)
  printk(k, `RIP: ${at}`)
  printk(k, `Call Trace: ${caller}`)
}

/**
 * Looks for the struct pages behind a pfn that was noted earlier, `pages` of them: true, and an oops, where
 * one is gone. A kernel would not go on with the thread; here the caller gives up what it was doing.
 */
export function isGone(
  k: Kernel,
  { pfn, pages = 1 }: { readonly pfn: number; readonly pages?: number },
  at: string,
  caller: string,
): boolean {
  if (k.pages.covers(pfn, pfn + pages)) return false
  oops(k, pfn, at, caller)
  return true
}
