import { int } from '../../arena'
import type { Outcome } from '../../machine'
import { enterException, leaveException } from '../arch/x86/entry/common'
import {
  type CpuRow,
  closed,
  closedRights,
  here,
  inSeries,
  opened,
  pksOf,
  running,
  write_pkrs,
  wrmsr,
} from '../arch/x86/mm/pkeys'
import { rightsOf } from '../arch/x86/pkeys'
import type { Kernel } from '../kernel'
import { operation } from '../operation'
import { taskHolds } from '../wait-holders'

/** devmap_protected(), 2022: does the kernel know keys, is it a page of a device, has its pgmap one? */
export const devmap_protected = (k: Kernel, pfn: number): boolean =>
  k.directMap.has(pfn) && k.directMap.at(pfn).pkey !== 0

/** Spins for pkrs_global_lock with interrupts off. */
const untilUnlocked: typeof running = {
  state: 'R',
  ready: (k, t) => pksOf(k).pkrs_global_lock === 0 && running.ready(k, t),
  reason(k, t) {
    const owner = pksOf(k).pkrs_global_lock
    if (owner === 0) return running.reason(k, t)
    return `spins for pkrs_global_lock, interrupts off: ${k.tasks.at(owner).name} holds it`
  },
  holders(k, t) {
    const owner = pksOf(k).pkrs_global_lock
    return owner === 0 ? running.holders(k, t) : taskHolds(owner)
  },
}

interface Changing {
  readonly task: { readonly id: number }
  irqs: number
  done(value?: number): Outcome
}

const is2020 = (k: Kernel): boolean => k.policy.pks === 'rfc2020'

/**
 * Counts a user more, or one less; true if rights change with it. In 2020 interrupts are off from then
 * on. The count is an unsigned word: one below 0 is 4294967295.
 */
function count(k: Kernel, t: Changing, by: 1 | -1): boolean {
  const { cpu, thread } = here(k, t)
  const was = thread.count
  thread.count = (was + by) >>> 0
  t.irqs = cpu.irqs_off
  const isChange = (by === 1 ? was : thread.count) === 0
  if (isChange && is2020(k)) cpu.irqs_off = 1
  return isChange
}

/** The thread’s own value, then the register: the same for opening and closing. */
const setThread = (does: string, change: (k: Kernel, pkrs: number) => number) => ({
  does,
  fn: 'pks_update_protection',
  when: running,
  run(k: Kernel, t: Changing) {
    const { thread } = here(k, t)
    thread.pkrs = change(k, thread.pkrs)
    return 'write' as const
  },
})

const setRegister = {
  does: 'Write it to PKRS.',
  fn: 'write_pkrs',
  when: running,
  run(k: Kernel, t: Changing) {
    const { cpu, thread } = here(k, t)
    write_pkrs(k, cpu, thread.pkrs)
    if (is2020(k)) cpu.irqs_off = t.irqs
    return t.done()
  },
}

/** EN of the PKS sheet §4.4, and O of §4.5. */
export const dev_access_enable = operation({
  name: 'dev_access_enable',
  does: 'Opens access to protected device memory for this thread, and in 2020 on request for all.',
  source: inSeries('mm/memremap.c', 'dev_access_enable', '2022: pgmap_set_readwrite().'),
  leftOut: 'Read-only windows.',
  params: { global: int() },
  locals: { irqs: int() },
  entry: 'count',
  steps: {
    count: {
      does: 'Count one more; only the first opens anything. In 2020 interrupts are off from here on.',
      when: running,
      run(k, t) {
        if (!count(k, t, 1)) return t.done()
        return is2020(k) && t.global === 1 ? 'global' : 'saved'
      },
    },
    global: {
      does: 'Open the key for all, under pkrs_global_lock. No CPU is told: who needs it will fault.',
      fn: 'pkrs_update_global',
      when: untilUnlocked,
      run(k) {
        const pks = pksOf(k)
        pks.pkrs_global_cache = opened(k, pks.pkrs_global_cache)
        return 'saved'
      },
    },
    saved: setThread('Open the key in the thread’s value.', opened),
    write: setRegister,
  },
})

/** The IPI at its target: a handler as any other, which writes the register. */
function takeIpi(k: Kernel, cpu: CpuRow, value: number): void {
  enterException(k, cpu, 'irq')
  if (k.policy.pksRestrict === 'onTheCpu') cpu.pkrs_cache = value
  wrmsr(k, cpu, value)
  leaveException(k, cpu)
  cpu.pending_ipi = 0
}

const onlineFrom = (k: Kernel, id: number): number =>
  k.cpus.find((cpu) => cpu.online === 1 && cpu.id >= id)?.id ?? 0

/** The CPU that a restriction has come to. */
const target = (k: Kernel, t: { readonly cpu: number }): CpuRow => k.cpus.at(t.cpu)

/** DIS of the PKS sheet §4.4, and C of §4.5. */
export const dev_access_disable = operation({
  name: 'dev_access_disable',
  does: 'Closes what dev_access_enable() opened, when the last user is through.',
  source: inSeries('mm/memremap.c', 'dev_access_disable', '2022: pgmap_set_noaccess().'),
  leftOut: 'Nothing of the protocol; the IPI’s handler is one step, on a CPU that takes it.',
  params: { global: int() },
  locals: { irqs: int(), cpu: int() },
  entry: 'count',
  steps: {
    count: {
      does: 'Count one less; only the last closes anything.',
      when: running,
      run(k, t) {
        if (!count(k, t, -1)) return t.done()
        return is2020(k) && t.global === 1 ? 'lock' : 'saved'
      },
    },
    lock: {
      does: 'Take pkrs_global_lock, and close the key for all. If that takes access away, every CPU is told.',
      fn: 'pkrs_update_global',
      when: untilUnlocked,
      run(k, t) {
        const pks = pksOf(k)
        const was = rightsOf(pks.pkrs_global_cache, pks.key)
        pks.pkrs_global_lock = t.task.id
        pks.pkrs_global_cache = closed(k, pks.pkrs_global_cache)
        if (was === closedRights(k)) return 'unlock'
        t.cpu = onlineFrom(k, 1)
        return k.policy.pksRestrict === 'onTheCpu' ? 'send' : 'remote_store'
      },
    },
    remote_store: {
      does: 'Change the cache of another CPU by a plain store. put_cpu_ptr() then drops a preempt count that nobody took.',
      fn: 'per_cpu_ptr',
      when: running,
      run(k, t) {
        const cpu = target(k, t)
        cpu.pkrs_cache = closed(k, cpu.pkrs_cache)
        if (k.policy.pksRestrict === 'asPosted') here(k, t).cpu.preempt_count -= 1
        return 'send'
      },
    },
    send: {
      does: 'Write the register of this CPU; of another one, send an IPI.',
      fn: 'wrmsrl_on_cpu',
      when: running,
      run(k, t) {
        const cpu = target(k, t)
        if (cpu.id !== here(k, t).cpu.id) {
          cpu.pending_ipi = 1
          pksOf(k).ipis += 1
          return 'await'
        }
        cpu.pkrs_cache = closed(k, cpu.pkrs_cache)
        wrmsr(k, cpu, cpu.pkrs_cache)
        return 'next'
      },
    },
    await: {
      does: 'The CPU takes the IPI: entry saves its rights, the handler writes PKRS, exit restores what was saved.',
      fn: 'smp_call_function_single',
      when: {
        state: 'R',
        ready: (k, t) => target(k, t).irqs_off === 0 && running.ready(k, t),
        reason: (k, t) =>
          target(k, t).irqs_off === 0
            ? running.reason(k, t)
            : `waits for the IPI: interrupts are off on ${target(k, t).name}`,
        holders: (k, t) =>
          target(k, t).irqs_off === 0 ? running.holders(k, t) : taskHolds(target(k, t).current),
      },
      run(k, t) {
        const cpu = target(k, t)
        takeIpi(k, cpu, closed(k, cpu.pkrs_cache))
        return 'next'
      },
    },
    next: {
      does: 'Go on to the next CPU that is online.',
      fn: 'for_each_online_cpu',
      when: running,
      run(k, t) {
        t.cpu = onlineFrom(k, t.cpu + 1)
        if (t.cpu === 0) return 'unlock'
        return k.policy.pksRestrict === 'onTheCpu' ? 'send' : 'remote_store'
      },
    },
    unlock: {
      does: 'Drop pkrs_global_lock.',
      fn: 'spin_unlock',
      when: running,
      run(k) {
        pksOf(k).pkrs_global_lock = 0
        return 'saved'
      },
    },
    saved: setThread('Close the key in the thread’s value.', closed),
    write: setRegister,
  },
})
