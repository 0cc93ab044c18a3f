import { describe } from 'vitest'
import { iomemMistakes } from '../../testing/iomem-mistakes'
import type { Mutant, Mutation } from '../../testing/mutate'
import { eachHasAMistake } from '../../testing/mutation-tests'
import { bootPks, type PksKernel, Q } from '../../testing/pks-kernel'
import { irqentry_enter } from '../arch/x86/entry/common'
import { kernelStore } from '../arch/x86/mm/fault'
import { dev_access_disable, dev_access_enable } from '../mm/devmap-protection'
import { durability } from './durability'
import { pksInvariants } from './families/pks'
import { noFalseKill } from './no-false-kill'
import { noOpenKeyLeft } from './no-open-key-left'
import { registerAgrees } from './register-agrees'
import { windowByItself } from './window-by-itself'
import { windowOfThePage } from './window-of-the-page'

const boot = () => bootPks('pks-v10-2022', { pksFault: 'strict' }, { threads: ['A', 'B', 'C'] })

/** As if the CPU had no key to check: the bytes change. */
const unchecked: Mutant = (k, t, original) => {
  const cpu = k.cpus.find(({ current }) => current === t.task.id)
  if (cpu === undefined) return original(k, t)
  cpu.cr4_pks = 0
  const next = original(k, t)
  cpu.cr4_pks = cpu.has_pks
  return next
}

const window = (k: PksKernel) => k.unmap('A', k.map('A', 'kmap_local_page'))

const mistakes: readonly Mutation<PksKernel>[] = [
  {
    breaks: durability,
    mistake: 'the handler fixes up what it should refuse',
    operation: kernelStore,
    step: 'judge',
    mutant: () => 'fix',
    schedule: (k) => k.writes('B'),
    says: 'page 0x240001 holds 0xbd instead of 0x00: a stray write of B',
  },
  {
    breaks: windowOfThePage,
    mistake: 'the CPU does not look at the key',
    operation: kernelStore,
    step: 'access',
    mutant: unchecked,
    schedule: (k) => k.writes('B'),
    says: 'B wrote 0xbd to protected page 0x240001, which it has not mapped',
  },
  {
    breaks: windowByItself,
    ...iomemMistakes.keepsPkrs,
    schedule(k) {
      k.map('A', 'kmap_local_page')
      k.switches(0, 'C')
      k.writes('C')
    },
    says: 'C wrote protected page 0x240001 and had opened no window',
  },
  {
    breaks: noFalseKill,
    mistake: 'opening a window does not write PKRS',
    operation: dev_access_enable,
    step: 'saved',
    mutant: (_k, t) => t.done(),
    schedule(k) {
      const mapping = k.map('A', 'kmap_local_page', Q)
      k.writes('A', { pfn: Q, mapping })
    },
    says: 'A wrote page 0x240002 by a mapping, and was killed (0x23)',
  },
  {
    breaks: registerAgrees,
    mistake: 'a handler begins with the rights of the thread',
    operation: irqentry_enter,
    step: 'enter',
    mutant(k, t, original) {
      const cpu = k.cpus.at(1)
      const { msr_pkrs } = cpu
      const next = original(k, t)
      Object.assign(cpu, { msr_pkrs, pkrs_cache: msr_pkrs })
      return next
    },
    schedule(k) {
      k.map('A', 'kmap_local_page')
      k.enters(0)
    },
    says: 'PKRS of CPU0 is 55555550 in a handler that opened no window; it should be 55555554',
  },
  {
    breaks: noOpenKeyLeft,
    mistake: 'closing a window forgets the thread’s value',
    operation: dev_access_disable,
    step: 'saved',
    mutant: () => 'write',
    schedule: window,
    says: 'A keeps 55555550',
  },
]

describe('every property of protection keys', () => {
  eachHasAMistake(pksInvariants, mistakes, boot)
})
