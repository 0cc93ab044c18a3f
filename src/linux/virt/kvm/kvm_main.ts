import { int, ref, wide } from '../../../arena'
import { EHWPOISON, ENOMEM } from '../../include/errno'
import { FOLL } from '../../include/gup'
import { dropAll } from '../../mm/gup-count'
import { __get_user_pages } from '../../mm/gup-slow'
import { operation } from '../../operation'

/** A guest touches memory that its page tables do not have yet; KVM looks for the page behind it. */
export const hva_to_pfn_slow = operation({
  name: 'hva_to_pfn_slow',
  does: 'KVM looks for the page behind an address of its guest, and asks to be told of lost memory as such (FOLL_HWPOISON).',
  source: {
    file: 'virt/kvm/kvm_main.c',
    fn: 'hva_to_pfn_slow',
    version: '6.12',
    evidence: 'memory',
  },
  leftOut:
    'The tables of the guest and the MMU notifier that they follow; asynchronous faults. The reference goes at once.',
  via: ['hva_to_pfn', 'kvm_faultin_pfn', 'kvm_mmu_page_fault'],
  start: {
    label: 'A guest touches it (KVM)',
    on: ['vma', 'pte'],
    by: 'process',
    args: (k, { kind, id, key }) => ({
      vpn: key ?? (kind === 'vma' ? k.vmas.at(id).vm_start : 0),
      write: 1,
    }),
    refuse(k, { vpn }, task) {
      if (k.tasks.at(task).mm === 0) return 'This thread has no address space here.'
      if (k.pinHandles.isFull) return 'This simulation has no room for another reference.'
      return vpn >= 0 ? undefined : 'An address is not negative.'
    },
  },
  params: { vpn: wide(), write: int() },
  locals: { handle: ref('pin_handle') },
  entry: 'begin',
  steps: {
    begin: {
      does: 'Take a reference of the page, as get_user_pages() does, with FOLL_HWPOISON.',
      fn: 'get_user_pages_unlocked',
      run(k, t) {
        const flags = FOLL.get | FOLL.hwpoison | (t.write === 1 ? FOLL.write : 0)
        const { mm, id: task } = t.task
        const start = t.vpn
        const handle = k.pinHandles.alloc({ kind: 'GET', flags, task, mm, start, pages: 1 })
        if (handle === undefined) return t.done(-ENOMEM)
        t.handle = handle.id
        return t.call(__get_user_pages, { handle: handle.id }, 'release')
      },
    },
    release: {
      does: 'Found: the guest gets it, and the reference goes. Lost: the thread of the guest gets SIGBUS, to pass it on. Anything else is an error of the emulation.',
      fn: 'kvm_handle_error_pfn',
      run(k, t) {
        dropAll(k, t.handle)
        k.pinHandles.free(t.handle)
        if (t.ret === -EHWPOISON) {
          t.task.signal = 'SIGBUS'
          t.task.si_code = 'BUS_MCEERR_AR'
          t.task.si_addr = t.vpn
          t.task.si_addr_lsb = 12
        }
        return t.done(t.ret)
      },
    },
  },
})
