import { dmaRead } from '../linux/drivers/dma/engine'
import { clear_refs_write } from '../linux/fs/proc/task_mmu'
import { kernel_clone } from '../linux/kernel/fork'
import { pin_user_pages_fast } from '../linux/mm/gup'
import { cmp_and_merge_page } from '../linux/mm/ksm'
import { do_madvise } from '../linux/mm/madvise'
import { do_munmap, mapAnonymous } from '../linux/mm/mmap'
import { mprotect_fixup } from '../linux/mm/mprotect'
import { userLoad, userStore } from '../linux/mm/user-access'
import { shrink_folio_list } from '../linux/mm/vmscan'
import { type Boot, bootMemory, type MemoryKernel, P } from './memory-kernel'

const areaOf = (k: MemoryKernel, who: string) =>
  k.kernel.vmas.find(({ vm_mm }) => vm_mm === k.mmOf(who))?.id

type Thread = ReturnType<MemoryKernel['task']>

/** How GUP is called where a schedule does not say: by `parent`, a pin for writing. */
interface Gup {
  readonly who?: string
  readonly by?: { readonly name: string }
  readonly write?: number
  readonly longterm?: number
  readonly start?: number
}

/** What threads do to the page at A, begun and not yet run: the words of the schedules. */
export const acts = {
  gup(k: MemoryKernel, { who = 'parent', by = pin_user_pages_fast, ...more }: Gup = {}): Thread {
    const usual = { start: k.vpn, pages: 1, write: 1, longterm: 0, force: 0 }
    return k.task(who).begins(by, { ...usual, ...more })
  },
  fork: (k: MemoryKernel, name = 'child'): Thread =>
    k.task('parent').begins(kernel_clone, { name }),
  store: (k: MemoryKernel, who: string, value: number, offset = 0): Thread =>
    k.task(who).begins(userStore, { vpn: k.vpn, value, offset }),
  munmap: (k: MemoryKernel, who: string): Thread =>
    k.task(who).begins(do_munmap, { vma: areaOf(k, who) }),
  protect: (k: MemoryKernel, write: number): Thread =>
    k.task('parent').begins(mprotect_fixup, { vma: areaOf(k, 'parent'), read: 1, write }),
  clearRefs: (k: MemoryKernel): Thread => k.task('tracer').begins(clear_refs_write, { mm: 1 }),
  reclaim: (k: MemoryKernel, pfn = P): Thread =>
    k.task('kswapd0').begins(shrink_folio_list, { pfn }),
  mergeable: (k: MemoryKernel, who: string): Thread =>
    k.task(who).begins(do_madvise, { vma: areaOf(k, who), advice: 'MERGEABLE' }),
  scan: (k: MemoryKernel, who: string): Thread =>
    k.task('ksmd').begins(cmp_and_merge_page, { mm: k.mmOf(who), vpn: k.vpn }),
} as const

/** What a process reads at A, by its TLB or its page table. */
export function loads(k: MemoryKernel, who: string, offset = 0): number {
  const task = k.task(who)
  task.begins(userLoad, { vpn: k.vpn, value: 0, offset }).finishes()
  return task.row.value
}

/** What the device reads in the page of its first handle. */
export function deviceReads(k: MemoryKernel): number {
  const device = k.task('mlx5_0')
  device.begins(dmaRead, { handle: 1, page: 0 }).finishes()
  return device.row.value
}

/** W7: `thread 2` has read the entry, fork comes to write-protect it, the pin is taken, and fork goes on. */
export function pinDuringFork(k: MemoryKernel): void {
  const cpu = acts.gup(k, { who: 'thread 2' }).runTo('read_pte')
  const parent = acts.fork(k).runTo('wrprotect')
  cpu.runTo('irqs_on').step()
  parent.finishes()
  cpu.finishes()
}

/** Two processes, each with a page of the same bytes that ksmd may merge. */
export function bootTwins(boot: Boot = {}): MemoryKernel {
  const processes = [
    { comm: 'parent', pid: 100 },
    { comm: 'other', pid: 200 },
  ]
  const k = bootMemory({ ...boot, machine: { processes } })
  k.task('other').begins(mapAnonymous, { pages: 2, huge: 0, label: 'B' }).finishes()
  acts.store(k, 'other', 0x50).finishes()
  for (const who of ['parent', 'other']) acts.mergeable(k, who).finishes()
  return k.drain()
}
