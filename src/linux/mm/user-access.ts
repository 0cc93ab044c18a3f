import { int, wide } from '../../arena'
import { cachedEntry, fillTlb } from '../arch/x86/mm/tlb'
import { PMD_PAGES, PTE } from '../arch/x86/pgtable'
import { operationNamed } from '../calls'
import { EHWPOISON } from '../include/errno'
import type { lossParams } from '../include/memory-failure'
import {
  MF,
  VM_FAULT_HWPOISON,
  VM_FAULT_OOM,
  VM_FAULT_SIGBUS,
  VM_FAULT_SIGSEGV,
} from '../include/mm'
import { TLB, VM } from '../include/mm_types'
import type { Kernel } from '../kernel'
import { isUserMapping } from '../kernel/iomem-mapping'
import { operation } from '../operation'
import { bytesOf, isPoisoned, noteLoad, SECTOR, storeByte } from './contents'
import { ownMm, untilMmapReadable } from './locks'
import { handle_mm_fault, isMapped } from './memory'
import { vma_lookup } from './rmap'

type Task = ReturnType<Kernel['tasks']['at']>

interface Access {
  readonly vpn: number
  readonly value: number
  readonly offset: number
  readonly write: boolean
}

/**
 * The CPU’s own part: its TLB if that allows the access, or else a walk of the page table, which sets
 * A and D. A dirty entry in the TLB is written through without a look at the page table.
 */
function translate(k: Kernel, task: Task, { vpn, write }: Access): number | undefined {
  const cached = cachedEntry(k, task.id, vpn)
  const needed = write ? TLB.rw | TLB.dirty : 0
  if (cached !== undefined && (cached.flags & needed) === needed) return cached.pfn
  if (!isMapped(k, task.mm, vpn, write)) return undefined
  const ptes = k.ptes.in(task.mm)
  const pte = ptes.at(vpn)
  const set = write ? PTE.accessed | PTE.dirty : PTE.accessed
  const start = vpn - (vpn % PMD_PAGES)
  const isPmd = (pte.flags & PTE.pse) !== 0
  const [from, to] = isPmd ? [start, start + PMD_PAGES] : [vpn, vpn + 1]
  if ((pte.flags & set) !== set) ptes.edit(from, to, ({ flags }) => ({ flags: flags | set }))
  fillTlb(k, task.id, task.mm, vpn)
  return pte.pfn
}

function load(k: Kernel, task: Task, pfn: number, offset: number): void {
  const { value, rest } = bytesOf(k, pfn)
  task.value = offset < SECTOR ? value : rest
  noteLoad(k, task.id, pfn)
}

function store(k: Kernel, task: Task, pfn: number, { vpn, value, offset }: Access): void {
  const vma = vma_lookup(k, task.mm, vpn)
  const isPrivate = vma !== undefined && (vma.vm_flags & VM.shared) === 0
  // Of I/O memory it is noted who stored: it may be a driver's by now.
  const isNoted = isPrivate || (vma !== undefined && isUserMapping(k, vma))
  storeByte(k, pfn, value, { offset, mm: isNoted ? task.mm : 0 })
  const ptes = k.ptes.in(task.mm)
  if (isPrivate && ptes.has(vpn) && (ptes.at(vpn).flags & PTE.pse) === 0) ptes.at(vpn).written = 1
}

/** The signal that a fault ends with, as force_sig_fault() fills it in. */
function signal(k: Kernel, task: Task, vpn: number, fault: number): void {
  if ((fault & VM_FAULT_OOM) !== 0) {
    task.signal = 'SIGKILL'
    return
  }
  task.signal = (fault & VM_FAULT_SIGSEGV) !== 0 ? 'SIGSEGV' : 'SIGBUS'
  const covered = vma_lookup(k, task.mm, vpn) !== undefined
  if ((fault & VM_FAULT_SIGSEGV) !== 0) task.si_code = covered ? 'SEGV_ACCERR' : 'SEGV_MAPERR'
  else task.si_code = (fault & VM_FAULT_HWPOISON) !== 0 ? 'BUS_MCEERR_AR' : 'BUS_ADRERR'
  task.si_addr = vpn
  task.si_addr_lsb = (fault & VM_FAULT_HWPOISON) === 0 ? 0 : 12
}

const FATAL = VM_FAULT_SIGBUS | VM_FAULT_SIGSEGV | VM_FAULT_OOM | VM_FAULT_HWPOISON

/** What user space does: not a kernel function, but the instruction that may fault. */
const accessOperation = (name: string, write: 0 | 1) => {
  const verb = write === 1 ? 'store' : 'load'
  return operation({
    name,
    does: `User space ${write === 1 ? 'writes to' : 'reads from'} memory.`,
    source: { file: 'arch/x86/mm/fault.c', fn: 'exc_page_fault', version: '6.12' },
    leftOut:
      'Signal handlers: a signal is only noted. Two bytes stand for a page: those before offset 512, and those after.',
    start: {
      label: write === 1 ? 'Write here' : 'Read here',
      on: ['vma', 'pte'],
      by: 'process',
      args: (k, { kind, id, key }) => ({
        vpn: key ?? (kind === 'vma' ? k.vmas.at(id).vm_start : 0),
        value: write === 1 ? 0x33 : 0,
        offset: 0,
      }),
      refuse: (k, { value, offset }, task) => {
        if (k.tasks.at(task).mm === 0) return 'This thread has no address space here.'
        if (offset < 0 || offset > 4095) return 'A page has bytes 0 to 4095.'
        return value >= 0 && value <= 0xff ? undefined : 'A byte is from 0 to 255.'
      },
    },
    params: { vpn: wide(), value: int(), offset: int() },
    locals: { bad: wide() },
    entry: 'translate',
    steps: {
      translate: {
        does: `Ask the TLB, or walk the page table; if the entry allows it, the ${verb} is done.`,
        fn: `user ${verb}`,
        run(k, t) {
          const { task, vpn, value, offset } = t
          task.signal = 'none'
          task.si_code = 'none'
          const access = { vpn, value, offset, write: write === 1 }
          const pfn = translate(k, task, access)
          if (pfn === undefined) return 'fault'
          if (write === 0 && isPoisoned(k, pfn)) {
            t.bad = pfn
            return 'machine_check'
          }
          if (write === 1) store(k, task, pfn, access)
          else load(k, task, pfn, offset)
          return t.done()
        },
      },
      machine_check: {
        does: 'The memory has lost these bytes: instead of data the CPU gets a machine check, and the thread handles it before it goes on.',
        fn: 'kill_me_maybe',
        source: { file: 'arch/x86/kernel/cpu/mce/core.c', fn: 'kill_me_maybe', version: '6.12' },
        run: (k, t) =>
          t.call(
            operationNamed<typeof lossParams>(k, 'memory_failure'),
            { pfn: t.bad, flags: MF.action_required },
            'after_machine_check',
          ),
      },
      after_machine_check: {
        does: 'Signalled: that is the end of it. Handled without a signal: try the access again. Not handled: SIGBUS.',
        fn: 'kill_me_maybe',
        run(_k, t) {
          const isSignalled = t.task.signal !== 'none'
          if (!isSignalled && (t.ret === 0 || t.ret === -EHWPOISON)) return 'translate'
          if (!isSignalled) {
            t.task.signal = 'SIGBUS'
            t.task.si_code = 'SI_KERNEL'
          }
          return t.done(-1)
        },
      },
      fault: {
        does: 'Page fault: take mmap_lock, or the lock of the one area, for reading.',
        fn: 'do_user_addr_fault',
        when: ownMm(untilMmapReadable),
        run(k, t) {
          const { mm } = t.task
          k.mms.at(mm).mmap_readers += 1
          return t.call(
            handle_mm_fault,
            { mm, vpn: t.vpn, write, unshare: 0, force: 0 },
            'after_fault',
          )
        },
      },
      after_fault: {
        does: 'Back from the fault: drop the lock; try again, or take the signal.',
        fn: 'do_user_addr_fault',
        run(k, t) {
          k.mms.at(t.task.mm).mmap_readers -= 1
          if ((t.ret & FATAL) === 0) return 'translate'
          signal(k, t.task, t.vpn, t.ret)
          return t.done(-1)
        },
      },
    },
  })
}

export const userLoad = accessOperation('userLoad', 0)
export const userStore = accessOperation('userStore', 1)
