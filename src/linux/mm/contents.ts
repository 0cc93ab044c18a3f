import type { Kernel } from '../kernel'

/** The two bytes that stand for a page. */
export interface Bytes {
  readonly value: number
  readonly rest: number
}

export const bytesOf = (k: Kernel, pfn: number): Bytes => {
  if (!k.contents.has(pfn)) return { value: 0, rest: 0 }
  const { value, rest } = k.contents.at(pfn)
  return { value, rest }
}

/** copy_user_highpage(): a new page with the bytes of the old one at this moment. */
export function copyPage(k: Kernel, from: number, to: number, pages = 1): void {
  for (let i = 0; i < pages; i++) k.contents.fill(to + i, to + i + 1, bytesOf(k, from + i))
}

/** Byte offset in a page from which a store counts as one to its rest. */
export const SECTOR = 512

/** A store, or the DMA of a device that acts for `mm`; `mm` 0 where the page is nobody’s own. */
export function storeByte(
  k: Kernel,
  pfn: number,
  value: number,
  { offset = 0, mm = 0 }: { offset?: number; mm?: number },
): void {
  const old = bytesOf(k, pfn)
  const bytes = offset < SECTOR ? { ...old, value } : { ...old, rest: value }
  k.contents.fill(pfn, pfn + 1, { ...bytes, stored_by: mm === 0 ? 0 : k.mms.at(mm).id })
}

/** Fork shares the page: what it holds now, both processes may see. */
export function contentsShared(k: Kernel, pfn: number, pages = 1): void {
  k.contents.edit(pfn, pfn + pages, () => ({ stored_by: 0 }))
}
