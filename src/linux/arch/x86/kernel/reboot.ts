import type { Kernel } from '../../../kernel'
import { printk } from '../../../kernel/printk'
import { operation } from '../../../operation'
import { taskHolds } from '../../../wait-holders'
import { initialPkrs, pksOf, write_pkrs } from '../mm/pkeys'
import { INIT_PKRS } from '../pkeys'
import { switchTo } from './process'

/** What a reset clears: registers, threads’ rights, mappings, and memory that is no pmem. */
function forget(k: Kernel): void {
  for (const { id } of k.pkrsFrames.rows()) k.pkrsFrames.free(id)
  for (const { id } of k.kernelMappings.rows()) k.kernelMappings.free(id)
  for (const { id } of k.pkrsThreads.rows()) k.pkrsThreads.free(id)
  for (const { id } of k.log.rows()) k.log.free(id)
  for (const { start, end, pkey, pfn } of k.directMap.runs())
    if (pkey === 0 && (!k.pages.has(pfn) || k.pages.at(pfn).pgmap === 0))
      k.contents.clear(start, end)
  for (const cpu of k.cpus.rows()) {
    cpu.msr_pkrs = 0
    cpu.pkrs_cache = 0
    cpu.cr4_pks = 0
    cpu.irqs_off = 0
    cpu.pending_ipi = 0
    cpu.preempt_count = 0
  }
  resetGlobals(k)
}

/** The variables of a kernel image that has not run yet. */
export function resetGlobals(k: Kernel): void {
  const pks = pksOf(k)
  const init = initialPkrs(k)
  pks.init = init
  pks.pkrs_global_cache = init
  pks.pkrs_global_lock = 0
  pks.allowed_mask = 0xffffffff
  pks.warned = 0
  pks.panicked = 0
}

const busy = (k: Kernel, task: number) => k.tasks.find(({ id, depth }) => id !== task && depth > 0)

export const machine_restart = operation({
  name: 'machine_restart',
  does: 'The machine is reset and boots again.',
  source: { file: 'arch/x86/kernel/reboot.c', fn: 'machine_restart', version: '6.12' },
  leftOut:
    'Firmware and boot: threads come back as they were named, and pmem is bound as it was. A real reset waits for nobody; this one does not take threads out of the kernel.',
  start: {
    label: 'Reset the machine',
    on: ['cpu'],
    by: 'device',
    args: () => ({}),
    refuse: (k) => (k.cpus.capacity === 0 ? 'CPUs are not simulated on this machine.' : undefined),
  },
  entry: 'reset',
  steps: {
    reset: {
      does: 'Everything goes but what pmem holds. The kernel boots: CPUs come up, and threads are made.',
      fn: 'native_machine_emergency_restart',
      when: {
        state: 'R',
        ready: (k, t) => busy(k, t.task.id) === undefined,
        reason: (k, t) => `waits for ${busy(k, t.task.id)?.name}, which is inside the kernel`,
        holders: (k, t) => taskHolds(busy(k, t.task.id)?.id ?? 0),
      },
      run(k, t) {
        forget(k)
        bootCpus(k)
        bootThreads(k)
        printk(k, 'Linux version: booted')
        return t.done()
      },
    },
  },
})

/** setup_pks() of the first CPU, the early initcall, and then the other CPUs. */
export function bootCpus(k: Kernel): void {
  for (const cpu of k.cpus.rows()) {
    write_pkrs(k, cpu, pksOf(k).init)
    cpu.online = 1
    if (k.policy.pks !== 'none') cpu.cr4_pks = cpu.has_pks
    if (k.policy.pks === 'v7') pksOf(k).init = INIT_PKRS
  }
}

/** Every thread is made, and the first ones run. */
export function bootThreads(k: Kernel): void {
  for (const { id, role } of k.tasks.rows())
    if (role === 'admin') k.pkrsThreads.make({ task: id, pkrs: pksOf(k).init })
  for (const cpu of k.cpus.rows()) if (cpu.current !== 0) switchTo(k, cpu, cpu.current)
}
