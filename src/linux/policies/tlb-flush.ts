import { policy } from '../../machine'

/** How another CPU’s TLB is flushed (pins sheet §3.4). */
export const tlbFlush = policy({
  name: 'tlbFlush',
  question: 'How are other CPUs told to flush their TLBs?',
  initial: 'ipi',
  values: {
    ipi: {
      title: 'by interrupt',
      says: 'The flush waits for every CPU of the process; one that has interrupts off in gup-fast holds it up.',
      source: { file: 'arch/x86/mm/tlb.c', fn: 'native_flush_tlb_multi', version: '6.12' },
    },
    broadcast: {
      title: 'without interrupt',
      says: 'By a hypercall, or broadcast invalidation: nobody waits for gup-fast, and pages may be recycled under it.',
      source: { file: 'arch/x86/kernel/kvm.c', fn: 'kvm_flush_tlb_multi', version: '6.12' },
    },
  },
})
