import { int, ref, wide } from '../../arena'
import { PMD_PAGES, PTE } from '../arch/x86/pgtable'
import { dax_iomap_fault } from '../fs/dax'
import { VM_FAULT_FALLBACK, VM_FAULT_SIGBUS, VM_FAULT_SIGSEGV } from '../include/mm'
import { VM } from '../include/mm_types'
import type { Kernel } from '../kernel'
import { operation } from '../operation'
import { vma_lookup } from './rmap'

/** True if the entry at a virtual page lets the access through without a fault. */
export function isMapped(k: Kernel, mm: number, vpn: number, write: boolean): boolean {
  const ptes = k.ptes.in(mm)
  const wanted = PTE.present | (write ? PTE.rw : 0)
  return ptes.has(vpn) && (ptes.at(vpn).flags & wanted) === wanted
}

/** The fault path down to the file: handle_mm_fault() and what it calls, one try. */
export const handle_mm_fault = operation({
  name: 'handle_mm_fault',
  does: 'Resolves a page fault.',
  source: { file: 'mm/memory.c', fn: 'handle_mm_fault', version: '6.12' },
  leftOut: 'mmap_lock and the per-VMA lock, anonymous and private mappings, accounting.',
  params: { mm: ref('mm_struct'), vpn: wide(), write: int() },
  locals: { vma: ref('vm_area_struct') },
  entry: 'find_vma',
  steps: {
    find_vma: {
      does: 'Find the area that covers the address, and check that it allows the access.',
      fn: 'lock_vma_under_rcu',
      run(k, t) {
        const vma = vma_lookup(k, t.mm, t.vpn)
        const wanted = t.write === 1 ? VM.write : VM.read
        if (vma === undefined || (vma.vm_flags & wanted) === 0) return t.done(VM_FAULT_SIGSEGV)
        t.vma = vma.id
        return 'huge_fault'
      },
    },
    huge_fault: {
      does: 'Try to map a whole PMD, 2 MiB at once.',
      fn: 'create_huge_pmd',
      run(k, t) {
        const { vma, vpn, write } = t
        const ptes = k.ptes.in(t.mm)
        const hasTable = ptes.has(vpn) && (ptes.at(vpn).flags & PTE.pse) === 0
        if (hasTable || hasPteTable(k, t.mm, vpn)) return 'pte_fault'
        return t.call(dax_iomap_fault, { vma, vpn, write, order: 9 }, 'after_huge')
      },
    },
    after_huge: {
      does: 'Done, or fall back to a single page.',
      fn: '__handle_mm_fault',
      run: (_k, t) => (t.ret === VM_FAULT_FALLBACK ? 'pte_fault' : t.done(t.ret)),
    },
    pte_fault: {
      does: 'Map one page.',
      fn: 'handle_pte_fault',
      run(_k, t) {
        const { vma, vpn, write } = t
        return t.call(dax_iomap_fault, { vma, vpn, write, order: 0 }, 'after_pte')
      },
    },
    after_pte: {
      does: 'Return what the file system said.',
      fn: 'handle_pte_fault',
      run: (_k, t) => t.done(t.ret),
    },
  },
})

/** A PMD that points to a table of entries cannot become a leaf. */
function hasPteTable(k: Kernel, mm: number, vpn: number): boolean {
  const start = vpn - (vpn % PMD_PAGES)
  const runs = k.ptes.in(mm).runs(start, start + PMD_PAGES)
  return runs.some(({ flags }) => (flags & PTE.pse) === 0)
}

function touch(
  k: Kernel,
  task: ReturnType<Kernel['tasks']['at']>,
  vpn: number,
  store: number,
): void {
  const pte = k.ptes.in(task.mm).at(vpn)
  const set = store < 0 ? PTE.accessed : PTE.accessed | PTE.dirty
  if ((pte.flags & set) !== set && (pte.flags & PTE.pse) === 0) pte.flags |= set
  if (store >= 0) k.contents.fill(pte.pfn, pte.pfn + 1, { value: store })
  else task.value = k.contents.has(pte.pfn) ? k.contents.at(pte.pfn).value : 0
}

/** What user space does: not a kernel function, but the instruction that may fault. */
const accessOperation = (name: string, write: 0 | 1) => {
  const verb = write === 1 ? 'store' : 'load'
  return operation({
    name,
    does: `User space ${write === 1 ? 'writes to' : 'reads from'} memory.`,
    source: { file: 'arch/x86/mm/fault.c', fn: 'exc_page_fault', version: '6.12' },
    leftOut: 'The TLB: every access walks the page table. Signal handlers: a signal is only noted.',
    start: {
      label: write === 1 ? 'Write here' : 'Read here',
      on: ['vma', 'pte'],
      by: 'process',
      args: (k, { kind, id, key }) => ({
        vpn: key ?? (kind === 'vma' ? k.vmas.at(id).vm_start : 0),
        value: write === 1 ? 0x33 : 0,
      }),
      refuse: (k, { value }, task) => {
        if (k.tasks.at(task).mm === 0) return 'This thread has no address space here.'
        return value >= 0 && value <= 0xff ? undefined : 'A byte is from 0 to 255.'
      },
    },
    params: { vpn: wide(), value: int() },
    entry: 'translate',
    steps: {
      translate: {
        does: `Walk the page table; if the entry allows it, the ${verb} is done.`,
        fn: `user ${verb}`,
        run(k, t) {
          t.task.signal = 'none'
          t.task.si_code = 'none'
          if (isMapped(k, t.task.mm, t.vpn, write === 1)) {
            touch(k, t.task, t.vpn, write === 1 ? t.value : -1)
            return t.done()
          }
          return t.call(handle_mm_fault, { mm: t.task.mm, vpn: t.vpn, write }, 'after_fault')
        },
      },
      after_fault: {
        does: 'Back from the fault: try again, or take the signal.',
        fn: 'do_user_addr_fault',
        run(_k, t) {
          if ((t.ret & (VM_FAULT_SIGBUS | VM_FAULT_SIGSEGV)) === 0) return 'translate'
          const isBus = (t.ret & VM_FAULT_SIGBUS) !== 0
          t.task.signal = isBus ? 'SIGBUS' : 'SIGSEGV'
          t.task.si_code = isBus ? 'BUS_ADRERR' : 'SEGV_MAPERR'
          return t.done(-1)
        },
      },
    },
  })
}

export const userLoad = accessOperation('userLoad', 0)
export const userStore = accessOperation('userStore', 1)
