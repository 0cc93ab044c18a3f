import { isPresent, PTE } from '../arch/x86/pgtable'
import { MF } from '../include/mm'
import type { Kernel } from '../kernel'
import { printk } from '../kernel/printk'
import { headOf, isAnon, isZoneDevice } from './folio'
import { unmap_mapping_range, vma_lookup } from './rmap'
import { allPlaces } from './rmap-anon'

const PAGE_SHIFT = 12
const PMD_SHIFT = 21
const EVERY = 2 ** 20

/** The first thread of every process: for_each_process(). */
const leaders = (k: Kernel) => {
  const threads = k.tasks.rows().filter(({ mm }) => mm !== 0)
  return threads.filter(({ mm, id }) => threads.find((each) => each.mm === mm)?.id === id)
}

/** find_early_kill_thread(): the thread that asked to hear of errors at once, on behalf of its process. */
const find_early_kill_thread = (k: Kernel, mm: number) =>
  k.tasks.find((t) => {
    if (t.mm !== mm) return false
    return t.mce_kill === 'default'
      ? k.globals.memory_failure_early_kill === 1
      : t.mce_kill === 'early'
  })

/**
 * task_early_kill(): who of a process is signalled now; with `force` current, for its own process, and
 * up to 5.11 nobody of any other.
 */
function task_early_kill(k: Kernel, mm: number, force: boolean, current: number) {
  const own = k.tasks.at(current)
  if (force && own.mm === mm) return own
  return force && k.policy.forcedKill === 'currentOnly' ? undefined : find_early_kill_thread(k, mm)
}

/** The size of the entry that maps a page of a device there; 0: none. dev_pagemap_mapping_shift(). */
function dev_pagemap_mapping_shift(k: Kernel, mm: number, vpn: number): number {
  const ptes = k.ptes.in(mm)
  if (!ptes.has(vpn) || !isPresent(ptes.at(vpn))) return 0
  return (ptes.at(vpn).flags & PTE.pse) !== 0 ? PMD_SHIFT : PAGE_SHIFT
}

/** Addresses at which a process has the page: by its entries, or by its areas of the file. */
function addressesOf(k: Kernel, pfn: number, mm: number): number[] {
  if (isAnon(k, pfn))
    return allPlaces(k, pfn)
      .filter((place) => place.mm === mm)
      .map(({ vpn }) => vpn)
  const head = headOf(k, pfn)
  const { mapping, index } = k.pages.at(head)
  if (mapping === 0) return []
  return fileAddresses(k, mapping, index + pfn - head, mm)
}

/** Every area that covers the file page, whether it has an entry there or not. */
const fileAddresses = (k: Kernel, inode: number, index: number, mm: number): number[] =>
  k.vmas
    .rows()
    .filter((vma) => vma.vm_file === inode && vma.vm_mm === mm)
    .map(({ vm_start, vm_end, vm_pgoff }) => ({
      vpn: vm_start + index - vm_pgoff,
      vm_start,
      vm_end,
    }))
    .filter(({ vpn, vm_start, vm_end }) => vm_start <= vpn && vpn < vm_end)
    .map(({ vpn }) => vpn)

/** One look for victims. */
export interface Search {
  readonly pfn: number
  /** AR, and always on DAX: the process of `current` is a victim whatever it asked for. */
  readonly force: boolean
  /** MF_MEM_PRE_REMOVE: every process is one. */
  readonly everybody?: boolean
  /** Where the file page is known by its place in the file, as of reflinked blocks. */
  readonly file?: { readonly inode: number; readonly index: number }
}

/** collect_procs(): notes who will be signalled, before the entries are gone. Adds to the list of `current`. */
export function collect_procs(k: Kernel, current: number, search: Search): void {
  const { pfn, force, everybody = false, file } = search
  const list = k.toKill.in(current)
  for (const leader of leaders(k)) {
    const t = everybody ? leader : task_early_kill(k, leader.mm, force, current)
    if (t === undefined) continue
    const addresses =
      file === undefined
        ? addressesOf(k, pfn, leader.mm)
        : fileAddresses(k, file.inode, file.index, leader.mm)
    for (const addr of addresses) {
      const size_shift = sizeShift(k, pfn, leader.mm, addr)
      const at = lengthOf(k, current)
      if (size_shift > 0) list.fill(at, at + 1, { tsk: t.id, addr, size_shift })
    }
  }
}

function sizeShift(k: Kernel, pfn: number, mm: number, vpn: number): number {
  if (isZoneDevice(k, pfn)) return dev_pagemap_mapping_shift(k, mm, vpn)
  return PAGE_SHIFT + (k.folios.has(pfn) ? k.folios.at(pfn).order : 0)
}

/** The list of a thread, in order. */
export const victimsOf = (k: Kernel, current: number) =>
  k.toKill
    .in(current)
    .runs()
    .flatMap(({ start, length, tsk, addr, size_shift }) =>
      Array.from({ length }, (_, i) => ({ at: start + i, tsk, addr, size_shift })),
    )

const lengthOf = (k: Kernel, current: number): number => victimsOf(k, current).length

/**
 * unmap_and_kill(): unmaps file pages [first, last), and as much around them as the largest entry of a
 * victim maps, from everybody; nothing at all where no victim was found. Then it signals.
 */
export function unmapVictims(
  k: Kernel,
  current: number,
  { inode, first, last }: { inode: number; first: number; last: number },
): void {
  const shift = Math.max(0, ...victimsOf(k, current).map(({ size_shift }) => size_shift))
  if (shift === 0) return
  const pages = 2 ** (shift - PAGE_SHIFT)
  const end = Math.ceil(last / pages) * pages
  unmap_mapping_range(k, inode, first - (first % pages), end)
}

/** kill_procs(): signals everybody on the list if `forcekill`, and empties it. */
export function kill_procs(
  k: Kernel,
  current: number,
  { forcekill, pfn, flags }: { forcekill: boolean; pfn: number; flags: number },
): void {
  if (forcekill)
    for (const { tsk, addr, size_shift } of victimsOf(k, current))
      kill_proc(k, { tsk, addr, size_shift, isCurrent: tsk === current }, pfn, flags)
  k.toKill.in(current).clear(0, EVERY)
}

interface Victim {
  readonly tsk: number
  readonly addr: number
  readonly size_shift: number
  readonly isCurrent: boolean
}

/** kill_proc(): forced and “action required” for current where it consumed the error, else “action optional”. */
function kill_proc(k: Kernel, victim: Victim, pfn: number, flags: number): void {
  const t = k.tasks.at(victim.tsk)
  if (t.mm === 0) return
  const { comm, pid } = k.mms.at(t.mm)
  printk(
    k,
    `Memory failure: 0x${pfn.toString(16)}: Sending SIGBUS to ${comm}:${pid} due to hardware memory corruption`,
  )
  const isRequired = (flags & MF.action_required) !== 0 && victim.isCurrent
  t.signal = 'SIGBUS'
  t.si_code = isRequired ? 'BUS_MCEERR_AR' : 'BUS_MCEERR_AO'
  t.si_addr = victim.addr
  t.si_addr_lsb = victim.size_shift
}

/**
 * kill_accessing_process(): the page was poisoned before; where current still has an entry of it,
 * present or not, it is signalled. False: it has none, so that it can just go on.
 */
export function kill_accessing_process(k: Kernel, current: number, pfn: number, flags: number) {
  const { mm } = k.tasks.at(current)
  if (mm === 0) return false
  const run = k.ptes
    .in(mm)
    .runs()
    .find(
      ({ kind, pfn: first, length }) =>
        (kind === 'leaf' || kind === 'hwpoison') && first <= pfn && pfn < first + length,
    )
  if (run === undefined) return false
  const addr = run.start + pfn - run.pfn
  if (vma_lookup(k, mm, addr) === undefined) return false
  const size_shift = (run.flags & PTE.pse) !== 0 ? PMD_SHIFT : PAGE_SHIFT
  kill_proc(k, { tsk: current, addr, size_shift, isCurrent: true }, pfn, flags)
  return true
}
