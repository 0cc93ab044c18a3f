import { VM } from '../linux/include/mm_types'
import type { Kernel } from '../linux/kernel'
import { cmp_and_merge_page } from '../linux/mm/ksm'
import { mapAnonymous } from '../linux/mm/mmap'
import { lru_add_drain_all } from '../linux/mm/swap'
import { userStore } from '../linux/mm/user-access'
import { bootMemoryMachine } from './memory-machine'
import { run } from './pmem-machine'
import type { Act, Setup } from './scenario'

const taskOf = (k: Kernel, who: string) => k.tasks.find(({ name }) => name === who)

/** The virtual page that area `label` begins at; forked processes have it at the same address. */
export const areaAt = (k: Kernel, label = 'buf'): number =>
  k.vmas.find((vma) => vma.label === label)?.vm_start ?? 0

/** Maps one anonymous page for a process, writes it, and lets its LRU batch drain. */
export function seedBuffer(k: Kernel, who: string, value: number, label = 'buf'): void {
  run(k, who, mapAnonymous, { pages: 1, huge: 0, label })
  run(k, who, userStore, { vpn: areaAt(k, label), value })
  lru_add_drain_all(k)
}

/** A process of this name and one called `twin`, with equal pages; the twin’s is a KSM page already. */
export function bootTwins(setup: Setup, comm: string): Kernel {
  const k = bootMemoryMachine(setup, {
    processes: [
      { comm, pid: 100 },
      { comm: 'twin', pid: 200 },
    ],
    admins: ['ksmd'],
    devices: ['mlx5_0'],
  })
  seedBuffer(k, comm, 0x50)
  seedBuffer(k, 'twin', 0x50, 'its')
  for (const vma of k.vmas.rows()) vma.vm_flags |= VM.mergeable
  run(k, 'ksmd', cmp_and_merge_page, { mm: 2, vpn: areaAt(k, 'its') })
  return k
}

/** The handle that a thread took last. */
export const handleOf = (k: Kernel, who: string): number => {
  const task = taskOf(k, who)
  return k.pinHandles.rows().findLast((handle) => handle.task === task?.id)?.id ?? 0
}

/** The page that a process maps at the buffer; undefined where nothing is present. */
export function mappedBy(k: Kernel, who: string, label = 'buf'): number | undefined {
  const mm = taskOf(k, who)?.mm ?? 0
  const ptes = k.ptes.in(mm)
  const vpn = areaAt(k, label)
  if (!ptes.has(vpn) || ptes.at(vpn).kind !== 'leaf') return undefined
  return ptes.at(vpn).pfn
}

/** `0x12345`, or `nothing`. */
export const pageName = (pfn: number | undefined): string =>
  pfn === undefined ? 'nothing' : `page 0x${pfn.toString(16)}`

/** The page that a device knows under a handle. */
export const pinnedPage = (k: Kernel, handle: number): number | undefined =>
  k.pinHandles.isLive(handle) ? k.pinned.in(handle).runs()[0]?.pfn : undefined

/** True if a device and a process still mean the same page. */
export const isCoherent = (k: Kernel, who: string, handle: number): boolean =>
  pinnedPage(k, handle) === mappedBy(k, who)

const byteName = (value: number): string => `0x${value.toString(16).padStart(2, '0')}`

/** `0xd1`, as a process would read it at the buffer. */
export function byteAt(k: Kernel, pfn: number | undefined): string {
  const value = pfn !== undefined && k.contents.has(pfn) ? k.contents.at(pfn).value : 0
  return byteName(value)
}

/** `_refcount` and `_mapcount` as a story quotes them. */
export function counters(k: Kernel, pfn: number | undefined): string {
  if (pfn === undefined || !k.pages.has(pfn)) return 'no page'
  const { refcount, mapcount } = k.pages.at(pfn)
  return `_refcount ${refcount}, _mapcount ${mapcount}`
}

/** The area of a process, by its label. */
export function areaOf(k: Kernel, who: string, label = 'buf'): number {
  const mm = taskOf(k, who)?.mm ?? 0
  return k.vmas.find((vma) => vma.vm_mm === mm && vma.label === label)?.id ?? 0
}

/** The byte that a thread read last, `0x53`. */
export const lastRead = (k: Kernel, who: string): string => {
  return byteName(taskOf(k, who)?.value ?? 0)
}

/** What the rule that decides a write fault looks at, in the words of the debate. */
export const ruleSays: Readonly<Record<string, string>> = {
  mapcount: 'Rule (i) counts page table entries, and nothing else',
  pageCount: 'Rule (ii) wants _refcount to be exactly 1',
  streamlined:
    'Rule (ii’) wants _refcount to be 1, once the LRU batch and the swap cache are out of the way',
  fullAccuracy: 'Rule (iii) counts page table entries, as (i) did',
  labelled: 'Rule (iv) asks for one page table entry and no process-incoherent user',
  exclusive: 'Rule (v) asks whether the page is exclusive, and only without that bit for _refcount',
  exclusiveLarge:
    'Rule (v+) asks whether the page is exclusive, and only without that bit for _refcount',
  linus: 'Rule (vi) wants _refcount to be 1, and never write-protects a page that others refer to',
}

export const ruleOf = (policies: Readonly<Record<string, string>>): string =>
  ruleSays[policies['cowReuse'] ?? ''] ?? ''

/** A thread writes a byte to the buffer. */
export const stores = (who: string, value: number, label = 'buf'): Act => ({
  who,
  operation: 'userStore',
  args: (k) => ({ vpn: areaAt(k, label), value }),
})

/** A thread reads the buffer. */
export const loads = (who: string, label = 'buf'): Act => ({
  who,
  operation: 'userLoad',
  args: (k) => ({ vpn: areaAt(k, label) }),
})

/** A long-term pin of the buffer for writing, as an RDMA registration takes it. */
export const pins = (who: string): Act => ({
  who,
  operation: 'pin_user_pages_fast',
  args: (k) => ({ start: areaAt(k), pages: 1, write: 1, longterm: 1 }),
})

export const forks = (who: string, name: string): Act => ({
  who,
  operation: 'kernel_clone',
  args: () => ({ name }),
})

/** A device writes into the first page of a handle. */
export const dmaWrites = (who: string, handle: (k: Kernel) => number, value: number): Act => ({
  who,
  operation: 'dmaWrite',
  args: (k) => ({ handle: handle(k), page: 0, value }),
})
