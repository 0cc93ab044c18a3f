import type { Window } from '../../machine'
import { inSeries, pksOf } from '../arch/x86/mm/pkeys'
import { pkrsText } from '../arch/x86/pkeys'
import type { Kernel } from '../kernel'
import { always } from '../operation'
import { whileInCalls } from './windows/at-work'

const whileInException: Window<Kernel> = {
  says: 'while an exception is handled',
  isOpen: (k) => k.pkrsFrames.find(() => true) !== undefined,
}

const whileWindowsAreOpen: Window<Kernel> = {
  says: 'while a mapping has its window open',
  isOpen: (k) => k.kernelMappings.find(({ window }) => window === 1) !== undefined,
}

/** I15 of the PKS sheet, §6. Whether windows are open is asked of the mappings: a count may be wrong. */
export const noOpenKeyLeft = always({
  name: 'noOpenKeyLeft',
  claim:
    'When nobody runs and no window is open, no CPU, no thread and no global value has rights.',
  sources: [inSeries('mm/memremap.c', 'dev_access_disable')],
  windows: [whileInCalls, whileInException, whileWindowsAreOpen],
  broken(k) {
    if (k.policy.pks === 'none') return undefined
    const { init, pkrs_global_cache } = pksOf(k)
    if (k.policy.pks === 'rfc2020' && pkrs_global_cache !== init)
      return { table: 'pks', id: 1, says: `The global value stays ${pkrsText(pkrs_global_cache)}` }
    const thread = k.pkrsThreads.find(({ pkrs, dead }) => dead === 0 && pkrs !== init)
    if (thread !== undefined) {
      const says = `${k.tasks.at(thread.task).name} keeps ${pkrsText(thread.pkrs)}`
      return { table: 'tasks', id: thread.task, says }
    }
    const cpu = k.cpus.find(({ cr4_pks, msr_pkrs }) => cr4_pks === 1 && msr_pkrs !== init)
    if (cpu === undefined) return undefined
    return { table: 'cpus', id: cpu.id, says: `${cpu.name} keeps PKRS ${pkrsText(cpu.msr_pkrs)}` }
  },
})
