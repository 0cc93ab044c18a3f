import { at, both, type Holder, type Wait } from '../../machine'
import { untilFlushed } from '../arch/x86/mm/tlb'
import { PG } from '../include/page-flags'
import type { Kernel } from '../kernel'
import { insiders, taskHolds } from '../wait-holders'
import { headOf } from './folio'
import { forgetIdle } from './holders'

/** Entries of one page table page share a lock. */
const PTES = 512
const ptlKey = (vpn: number): number => Math.floor(vpn / PTES)

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
  holders: (k, t) => taskHolds(ptlHolder(k, t.mm, t.vpn)),
}

/** Waits for the lock, and until the flush that follows can be answered. */
export const untilPtlAndFlush = both(untilPtl, untilFlushed)

/** Waits for the lock of whichever page table page has the next entry of a walk. */
export const untilNextPtl: Wait<Kernel, { readonly mm: number }> = {
  state: 'R',
  ready: (k, t) => k.ptls.in(t.mm).runs().length === 0,
  reason: (k, t) =>
    `spins for a page table lock, which ${nameOf(k, k.ptls.in(t.mm).runs()[0]?.holder ?? 0)} holds`,
  holders: (k, t) =>
    k.ptls
      .in(t.mm)
      .runs()
      .flatMap(({ holder }) => taskHolds(holder)),
}

/** Waits for the locks of the page table pages that have entries of a file: unmapping takes each in turn. */
export const untilMappersPtl: Wait<Kernel, { readonly inode: number }> = at(
  untilPtl,
  (k, { inode }) =>
    k.vmas
      .rows()
      .filter(({ vm_file }) => vm_file === inode)
      .flatMap(({ vm_mm: mm, vm_start, vm_end }) =>
        k.ptls
          .in(mm)
          .runs(ptlKey(vm_start), ptlKey(vm_end - 1) + 1)
          .map(({ start }) => ({ mm, vpn: start * PTES })),
      )[0],
)

/** Waits until nobody writes under mmap_lock. */
export const untilMmapReadable: Wait<Kernel, { readonly mm: number }> = {
  state: 'D',
  ready: (k, t) => k.mms.at(t.mm).mmap_lock === 0,
  reason: (k, t) =>
    `waits for mmap_lock, which ${nameOf(k, k.mms.at(t.mm).mmap_lock)} holds for writing`,
  holders: (k, t) => taskHolds(k.mms.at(t.mm).mmap_lock),
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
  holders(k, t) {
    const { mmap_lock } = k.mms.at(t.mm)
    return mmap_lock === 0 ? mmapReaders(k, t.mm) : taskHolds(mmap_lock)
  },
}

/** Steps between the taking of mmap_lock for reading and its drop, by operation. */
const READING: Readonly<Record<string, readonly string[]>> = {
  userLoad: ['after_fault'],
  userStore: ['after_fault'],
  __get_user_pages: ['check_vma', 'follow', 'after_fault', 'unlock'],
  do_munmap: ['drain', 'unlock'],
  do_madvise: ['break_ksm', 'unlock'],
  odpWrite: ['snapshot', 'after_fault'],
  dmirror_migrate_to_device: ['unlock'],
}

/** Who has mmap_lock for reading: the kernel only counts them. */
export const mmapReaders = (k: Kernel, mm: number): Holder[] =>
  insiders(k, ({ operation, step, locals }, task) => {
    const isReading = READING[operation.name]?.includes(step.name) === true
    return isReading && (locals['mm'] ?? k.tasks.at(task).mm) === mm
  })

/** The same waits for a thread’s own address space; one without any waits for nothing. */
export const ownMm = (wait: Wait<Kernel, { readonly mm: number }>) =>
  at(wait, (_k: Kernel, { task }: { readonly task: { readonly mm: number } }) =>
    task.mm === 0 ? undefined : task,
  )

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

const lockerOf = (k: Kernel, pfn: number): number =>
  k.holders.has(pfn) ? k.holders.at(pfn).locker : 0

/** Waits for the folio lock of `pfn`. */
export const untilFolioUnlocked: Wait<Kernel, { readonly pfn: number }> = {
  state: 'D',
  ready: (k, t) => !isFolioLocked(k, t.pfn),
  reason: (k, t) =>
    `waits for the folio lock of 0x${t.pfn.toString(16)}, which ${nameOf(k, lockerOf(k, t.pfn))} holds`,
  holders: (k, t) => taskHolds(lockerOf(k, headOf(k, t.pfn))),
}
