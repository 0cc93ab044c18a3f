import type { Wait } from '../../machine'
import { PG } from '../include/page-flags'
import type { Kernel } from '../kernel'
import { headOf } from './folio'
import { forgetIdle } from './holders'

/** Entries of one page table page share a lock: 512 of them. */
const ptlKey = (vpn: number): number => Math.floor(vpn / 512)

const nameOf = (k: Kernel, task: number): string => (task === 0 ? 'nobody' : k.tasks.at(task).name)

export const ptlHolder = (k: Kernel, mm: number, vpn: number): number => {
  const locks = k.ptls.in(mm)
  const key = ptlKey(vpn)
  return locks.has(key) ? locks.at(key).holder : 0
}

/** pte_offset_map_lock(); the caller has waited until it is free. */
export function lockPtl(k: Kernel, mm: number, vpn: number, task: number): void {
  const key = ptlKey(vpn)
  k.ptls.in(mm).fill(key, key + 1, { holder: k.tasks.at(task).id })
}

/** pte_unmap_unlock(). */
export function unlockPtl(k: Kernel, mm: number, vpn: number): void {
  const key = ptlKey(vpn)
  k.ptls.in(mm).clear(key, key + 1)
}

interface Entry {
  readonly mm: number
  readonly vpn: number
}

/** Waits for the lock of the page table page: a spinlock. */
export const untilPtl: Wait<Kernel, Entry> = {
  state: 'R',
  ready: (k, t) => ptlHolder(k, t.mm, t.vpn) === 0,
  reason: (k, t) =>
    `spins for the page table lock, which ${nameOf(k, ptlHolder(k, t.mm, t.vpn))} holds`,
}

/** Waits for the lock of whichever page table page has the next entry of a walk. */
export const untilNextPtl: Wait<Kernel, { readonly mm: number }> = {
  state: 'R',
  ready: (k, t) => k.ptls.in(t.mm).runs().length === 0,
  reason: (k, t) =>
    `spins for a page table lock, which ${nameOf(k, k.ptls.in(t.mm).runs()[0]?.holder ?? 0)} holds`,
}

/** Waits until nobody writes under mmap_lock. */
export const untilMmapReadable: Wait<Kernel, { readonly mm: number }> = {
  state: 'D',
  ready: (k, t) => k.mms.at(t.mm).mmap_lock === 0,
  reason: (k, t) =>
    `waits for mmap_lock, which ${nameOf(k, k.mms.at(t.mm).mmap_lock)} holds for writing`,
}

/** Waits until nobody has mmap_lock at all. */
export const untilMmapWritable: Wait<Kernel, { readonly mm: number }> = {
  state: 'D',
  ready: (k, t) => isMmapFree(k, t.mm),
  reason(k, t) {
    const { mmap_lock, mmap_readers } = k.mms.at(t.mm)
    return mmap_lock === 0
      ? `waits for mmap_lock: ${mmap_readers === 1 ? 'a reader has' : `${mmap_readers} readers have`} it`
      : `waits for mmap_lock, which ${nameOf(k, mmap_lock)} holds for writing`
  },
}

/** The same waits for a thread’s own address space; one without any waits for nothing. */
export const ownMm = <W extends Wait<Kernel, { readonly mm: number }>>(wait: W) =>
  ({
    state: wait.state,
    ready: (k: Kernel, t: { readonly task: { readonly mm: number } }) =>
      t.task.mm === 0 || wait.ready(k, t.task),
    reason: (k: Kernel, t: { readonly task: { readonly mm: number } }) => wait.reason(k, t.task),
  }) as const

const isMmapFree = (k: Kernel, mm: number): boolean => {
  const { mmap_lock, mmap_readers } = k.mms.at(mm)
  return mmap_lock === 0 && mmap_readers === 0
}

export const isFolioLocked = (k: Kernel, pfn: number): boolean =>
  (k.pages.at(headOf(k, pfn)).flags & PG.locked) !== 0

/** folio_trylock(); false if somebody has it. */
export function folio_trylock(k: Kernel, pfn: number, task: number): boolean {
  const head = headOf(k, pfn)
  if (isFolioLocked(k, head)) return false
  k.pages.at(head).flags |= PG.locked
  if (!k.holders.has(head)) k.holders.fill(head, head + 1, {})
  k.holders.at(head).locker = k.tasks.at(task).id
  return true
}

export function folio_unlock(k: Kernel, pfn: number): void {
  const head = headOf(k, pfn)
  k.pages.at(head).flags &= ~PG.locked
  if (!k.holders.has(head)) return
  k.holders.at(head).locker = 0
  forgetIdle(k, head)
}

/** Waits for the folio lock of `pfn`. */
export const untilFolioUnlocked: Wait<Kernel, { readonly pfn: number }> = {
  state: 'D',
  ready: (k, t) => !isFolioLocked(k, t.pfn),
  reason: (k, t) =>
    `waits for the folio lock of 0x${t.pfn.toString(16)}, which ${nameOf(k, k.holders.has(t.pfn) ? k.holders.at(t.pfn).locker : 0)} holds`,
}
