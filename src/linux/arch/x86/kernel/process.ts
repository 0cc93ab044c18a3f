import { ref } from '../../../../arena'
import type { Kernel } from '../../../kernel'
import { printk } from '../../../kernel/printk'
import { operation } from '../../../operation'
import { taskHolds } from '../../../wait-holders'
import {
  type CpuRow,
  cpuOf,
  inSeries,
  levelOf,
  notRunning,
  pksOf,
  running,
  stackOf,
  threadOf,
  write_pkrs,
} from '../mm/pkeys'

/** What a thread runs with: 2020 takes the global rights in, 2021 the keys that were given up. */
export function pkrsToRun(k: Kernel, pkrs: number): number {
  const { pkrs_global_cache, allowed_mask } = pksOf(k)
  if (k.policy.pks === 'rfc2020') return (pkrs & pkrs_global_cache) >>> 0
  return k.policy.pks === 'v7' ? (pkrs & allowed_mask) >>> 0 : pkrs
}

/** __switch_to(): the next thread runs, with its rights. */
export function switchTo(k: Kernel, cpu: CpuRow, next: number): void {
  cpu.current = k.tasks.at(next).id
  write_pkrs(k, cpu, pkrsToRun(k, threadOf(k, next)?.pkrs ?? pksOf(k).init))
}

/** True if a tick may not take the CPU away now. */
const isKept = (k: Kernel, cpu: CpuRow): boolean =>
  cpu.irqs_off === 1 || cpu.preempt_count > 0 || stackOf(k, cpu.id).length > 0

export const __schedule = operation({
  name: '__schedule',
  does: 'Another thread gets the CPU: the one that runs sleeps, or a tick preempts it.',
  source: { file: 'kernel/sched/core.c', fn: '__schedule', version: '6.12' },
  leftOut: 'Run queues: who comes next is chosen by hand. A thread that sleeps is not woken.',
  start: {
    label: 'Preempt: the next thread',
    on: ['cpu'],
    by: 'device',
    args(k, { id }) {
      const { current } = k.cpus.at(id)
      const waiting = k.pkrsThreads.rows().filter(({ task }) => cpuOf(k, task) === undefined)
      const next = waiting.find(({ dead }) => dead === 0)?.task ?? current
      return { next }
    },
    refuse(k, { next }, task) {
      const cpu = cpuOf(k, task)
      if (cpu === undefined) return 'This is on no CPU.'
      if (threadOf(k, next) === undefined) return 'There is no such thread.'
      if (threadOf(k, next)?.dead === 1) return 'That thread was killed.'
      if (cpuOf(k, next) !== undefined) return 'That thread is on a CPU already.'
      if (levelOf(k, cpu.id) > 0) return 'A handler does not schedule.'
      return pksOf(k).panicked === 1 ? 'The machine has stopped.' : undefined
    },
  },
  params: { next: ref('task_struct') },
  entry: 'pick',
  steps: {
    pick: {
      does: 'May this CPU schedule? A thread that sleeps in an atomic section is reported, and sleeps all the same.',
      fn: 'schedule_debug',
      when: {
        state: 'R',
        ready(k, t) {
          const cpu = cpuOf(k, t.task.id)
          return cpu === undefined || cpu.current === t.task.id || !isKept(k, cpu)
        },
        reason: (_k, t) => `waits until ${t.task.name} may preempt`,
        holders: (k, t) => taskHolds(cpuOf(k, t.task.id)?.current ?? 0),
      },
      run(k, t) {
        const cpu = cpuOf(k, t.task.id)
        if (cpu === undefined || cpuOf(k, t.next) !== undefined || pksOf(k).panicked === 1)
          return t.done(-1)
        if (cpu.preempt_count !== 0) {
          const name = cpu.current === 0 ? cpu.name : k.tasks.at(cpu.current).name
          const count = (cpu.preempt_count >>> 0).toString(16).padStart(8, '0')
          printk(k, `BUG: scheduling while atomic: ${name}/0x${count}`)
          cpu.preempt_count = 0
        }
        switchTo(k, cpu, t.next)
        return t.done()
      },
    },
  },
})

export const copy_thread = operation({
  name: 'copy_thread',
  does: 'A thread is made: it begins without rights to any key but 0, with no access open.',
  source: inSeries('arch/x86/kernel/process_64.c', 'copy_thread'),
  leftOut: 'Everything but its rights.',
  start: {
    label: 'Make a thread',
    on: ['cpu'],
    by: 'admin',
    args: (k) => ({
      target: k.tasks.find(({ id, role }) => role === 'admin' && !threadOf(k, id))?.id ?? 0,
    }),
    refuse(k, { target }, task) {
      const { role } = k.tasks.isLive(target) ? k.tasks.at(target) : { role: 'none' }
      if (role !== 'admin' || threadOf(k, target) !== undefined)
        return 'No thread is left to be made.'
      return notRunning(k, task)
    },
  },
  params: { target: ref('task_struct') },
  entry: 'copy',
  steps: {
    copy: {
      does: 'Give it the initial value, as it is at this moment.',
      fn: 'pks_init_task',
      when: running,
      run(k, t) {
        if (threadOf(k, t.target) === undefined)
          k.pkrsThreads.make({ task: t.target, pkrs: pksOf(k).init })
        return t.done()
      },
    },
  },
})

export const flush_thread = operation({
  name: 'flush_thread',
  does: 'exec: the thread’s rights are those of a new one.',
  source: inSeries('arch/x86/kernel/process_64.c', 'flush_thread'),
  leftOut: 'Everything but its rights.',
  start: {
    label: 'The thread calls exec',
    on: ['cpu'],
    by: 'admin',
    args: () => ({}),
    refuse: (k, _args, task) => notRunning(k, task),
  },
  entry: 'flush',
  steps: {
    flush: {
      does: 'Set its rights to the initial value, and write them to PKRS.',
      fn: 'pks_init_task',
      when: running,
      run(k, t) {
        const thread = threadOf(k, t.task.id)
        const cpu = cpuOf(k, t.task.id)
        if (thread === undefined || cpu === undefined) return t.done(-1)
        thread.pkrs = pksOf(k).init
        write_pkrs(k, cpu, thread.pkrs)
        return t.done()
      },
    },
  },
})
