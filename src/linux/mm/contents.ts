import { answerOf, isReachable } from '../drivers/cxl/fabric'
import type { Kernel } from '../kernel'

/** The two bytes that stand for a page. */
export interface Bytes {
  readonly value: number
  readonly rest: number
}

/** What a load gives that nobody answers. */
const ALL_ONES: Bytes = { value: 0xff, rest: 0xff }

export const bytesOf = (k: Kernel, pfn: number): Bytes => {
  if (!isReachable(k, pfn)) return ALL_ONES
  if (!k.contents.has(pfn)) return { value: 0, rest: 0 }
  const { value, rest } = k.contents.at(pfn)
  return { value, rest }
}

/** Notes what the fabric answered a thread’s load, where that was no data. */
export function noteLoad(k: Kernel, task: number, pfn: number): void {
  if (k.fabricLoads.capacity === 0) return
  const old = k.fabricLoads.find((load) => load.task === task)
  if (old !== undefined) k.fabricLoads.free(old.id)
  const answer = answerOf(k, pfn)
  if (answer === 'all_ones' || answer === 'decode_error')
    k.fabricLoads.make({ task: k.tasks.at(task).id, answer, pfn })
}

/** copy_user_highpage(): a new page with the bytes of the old one at this moment. */
export function copyPage(k: Kernel, from: number, to: number, pages = 1): void {
  for (let i = 0; i < pages; i++) k.contents.fill(to + i, to + i + 1, bytesOf(k, from + i))
}

/** True if a load gets a machine check instead of data: lost bytes, or CXL memory that does not answer. */
export const isPoisoned = (k: Kernel, pfn: number): boolean =>
  (k.contents.has(pfn) && k.contents.at(pfn).poisoned === 1) ||
  (k.policy.linkDown === 'machineCheck' && !isReachable(k, pfn))

/** Byte offset in a page from which a store counts as one to its rest. */
export const SECTOR = 512

/** A store, or the DMA of a device that acts for `mm`; `mm` 0 where the page is nobody’s own. */
export function storeByte(
  k: Kernel,
  pfn: number,
  value: number,
  { offset = 0, mm = 0 }: { offset?: number; mm?: number },
): void {
  if (!isReachable(k, pfn)) return
  const old = bytesOf(k, pfn)
  const bytes = offset < SECTOR ? { ...old, value } : { ...old, rest: value }
  const poisoned = isPoisoned(k, pfn) ? 1 : 0
  k.contents.fill(pfn, pfn + 1, {
    ...bytes,
    poisoned,
    stored_by: mm === 0 ? 0 : k.mms.at(mm).id,
  })
}

/** Fork shares the page: what it holds now, both processes may see. */
export function contentsShared(k: Kernel, pfn: number, pages = 1): void {
  k.contents.edit(pfn, pfn + pages, () => ({ stored_by: 0 }))
}
