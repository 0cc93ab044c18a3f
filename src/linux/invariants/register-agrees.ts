import type { Finding } from '../../machine'
import { pkrsToRun } from '../arch/x86/kernel/process'
import {
  type CpuRow,
  inSeries,
  levelOf,
  pksOf,
  stackOf,
  type ThreadRow,
  threadOf,
} from '../arch/x86/mm/pkeys'
import { pkrsText } from '../arch/x86/pkeys'
import type { Kernel } from '../kernel'
import { hasWindow } from '../mm/highmem-rights'
import { always } from '../operation'

/** I14 of the PKS sheet, §6. A CPU that is just changing its rights, or is being told to, is let be. */
export const registerAgrees = always({
  name: 'registerAgrees',
  claim:
    'PKRS is what its cache says, allows the thread no more than it has, and allows a handler that opened no window nothing.',
  sources: [inSeries('arch/x86/mm/pkeys.c', 'write_pkrs')],
  broken(k) {
    for (const cpu of k.cpus.rows()) {
      if (cpu.online === 0 || cpu.cr4_pks === 0 || isChanging(k, cpu)) continue
      const says = wrong(k, cpu)
      if (says !== undefined) return { table: 'cpus', id: cpu.id, says } satisfies Finding
    }
    return undefined
  },
})

const CHANGING = /^dev_access_|^(setup_pks|kmapPage|kunmapPage)\./

const isChanging = (k: Kernel, { id, current, interrupts }: CpuRow): boolean =>
  pksOf(k).pkrs_global_lock !== 0 ||
  stackOf(k, id).some(({ kind }) => kind === 'fault') ||
  [current, interrupts].some((task) => task !== 0 && CHANGING.test(k.machine.stepName(task)))

function wrong(k: Kernel, cpu: CpuRow): string | undefined {
  const { name, msr_pkrs, pkrs_cache } = cpu
  const has = `PKRS of ${name} is ${pkrsText(msr_pkrs)}`
  if (msr_pkrs !== pkrs_cache) return `${has}, and its cache says ${pkrsText(pkrs_cache)}`
  const thread = threadOf(k, cpu.current)
  if (thread === undefined || thread.dead === 1) return undefined
  const level = levelOf(k, cpu.id)
  if (level === 0) return ofThread(k, cpu, thread, has)
  const { init } = pksOf(k)
  if (msr_pkrs === init || hasWindow(k, { cpu, thread, level }, cpu.interrupts)) return undefined
  return `${has} in a handler that opened no window; it should be ${pkrsText(init)}`
}

function ofThread(
  k: Kernel,
  { msr_pkrs }: CpuRow,
  { task, pkrs }: ThreadRow,
  has: string,
): string | undefined {
  const most = pkrsToRun(k, pkrs)
  const is2020 = k.policy.pks === 'rfc2020'
  // Lazy, in 2020 and where a key is given up: the register may be stricter.
  if (is2020 ? (most & ~msr_pkrs) === 0 : msr_pkrs === pkrs || msr_pkrs === most) return undefined
  return `${has}, and ${k.tasks.at(task).name} may have ${pkrsText(most)}`
}
