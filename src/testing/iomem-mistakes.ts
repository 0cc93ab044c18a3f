import { __schedule } from '../linux/arch/x86/kernel/process'
import { revoke_iomem } from '../linux/kernel/resource-revoke'
import type { Mistake } from './mutate'

/** Mistakes of who keeps users from memory: by their page tables, or by a key. */
export const iomemMistakes = {
  clearsNothing: {
    mistake: 'a claim clears no entry',
    operation: revoke_iomem,
    step: 'zap',
    mutant: () => 'next_area',
  },
  keepsPkrs: {
    mistake: 'a context switch leaves PKRS as it was',
    operation: __schedule,
    step: 'pick',
    mutant(k, t, original) {
      const cpu = k.cpus.at(1)
      const { msr_pkrs, pkrs_cache } = cpu
      const next = original(k, t)
      Object.assign(cpu, { msr_pkrs, pkrs_cache })
      return next
    },
  },
} satisfies Readonly<Record<string, Mistake>>
