import { text } from '../../../../arena'
import type { Kernel } from '../../../kernel'
import { printk } from '../../../kernel/printk'
import { operation } from '../../../operation'
import { taskHolds } from '../../../wait-holders'
import { type CpuRow, cpuOf, inSeries, pksOf, stackOf, threadOf, write_pkrs } from '../mm/pkeys'

const KINDS = ['irq', 'nmi'] as const
const kindOf = (name: string) => KINDS.find((each) => each === name)

/** Handlers that may be nested here: exceptions in exceptions are rare enough. */
const MAX_NESTED = 4

/** Entry: rights are saved, and the handler begins with none. */
export function enterException(k: Kernel, cpu: CpuRow, kind: 'irq' | 'nmi' | 'fault'): void {
  const thread = threadOf(k, cpu.current)
  const init = pksOf(k).init
  const { irqs_off } = cpu
  // 2020: the register itself. Later: the value of the thread, whatever the register has.
  const isRegister = k.policy.pks === 'rfc2020'
  const pkrs = isRegister ? cpu.pkrs_cache : (thread?.pkrs ?? init)
  k.pkrsFrames.make({
    cpu: cpu.id,
    kind,
    depth: stackOf(k, cpu.id).length,
    pkrs,
    thread: thread?.pkrs ?? init,
    count: thread?.count ?? 0,
    irqs_off,
  })
  if (isRegister && thread !== undefined) thread.count = 0
  cpu.irqs_off = 1
  write_pkrs(k, cpu, init)
}

/** Exit: the innermost frame is restored. */
export function leaveException(k: Kernel, cpu: CpuRow): void {
  const frame = stackOf(k, cpu.id).at(-1)
  if (frame === undefined) throw new Error(`${cpu.name}: the exception stack is empty`)
  const thread = threadOf(k, cpu.current)
  write_pkrs(k, cpu, frame.pkrs)
  if (thread !== undefined && k.policy.pks === 'rfc2020') {
    if (thread.count !== 0) printk(k, 'WARNING: a handler left device access open')
    thread.pkrs = frame.thread
    thread.count = frame.count
  } else if (thread !== undefined) thread.pkrs = frame.pkrs
  cpu.irqs_off = frame.irqs_off
  k.pkrsFrames.free(frame.id)
}

export const irqentry_enter = operation({
  name: 'irqentry_enter',
  does: 'An interrupt, or an NMI, comes. Its handler has no rights to protected pages.',
  source: inSeries('arch/x86/entry/common.c', 'irqentry_enter'),
  leftOut: 'Context tracking, RCU, and what the interrupt is for.',
  start: {
    label: 'An interrupt comes',
    on: ['cpu'],
    by: 'device',
    args: () => ({ kind: 'irq' }),
    refuse(k, { kind }, task) {
      const cpu = cpuOf(k, task)
      if (cpu === undefined || cpu.interrupts !== task) return 'No interrupt comes here.'
      if (kindOf(kind) === undefined) return 'There are interrupts (irq) and NMIs (nmi).'
      if (pksOf(k).panicked === 1) return 'The machine has stopped.'
      return stackOf(k, cpu.id).length < MAX_NESTED ? undefined : 'Too many handlers are nested.'
    },
  },
  params: { kind: text() },
  entry: 'enter',
  steps: {
    enter: {
      does: 'Save the rights on the stack, and write the initial value to PKRS. In 2020 the register was saved, and the count begins anew; later the thread’s value was saved, and the count goes on.',
      fn: 'irq_save_set_pkrs',
      when: {
        state: 'R',
        ready: (k, t) =>
          t.kind === 'nmi' || cpuOf(k, t.task.id)?.irqs_off === 0 || pksOf(k).panicked === 1,
        reason: (_k, t) => `waits until interrupts are on at ${t.task.name}`,
        holders: (k, t) => taskHolds(cpuOf(k, t.task.id)?.current ?? 0),
      },
      run(k, t) {
        const cpu = cpuOf(k, t.task.id)
        const kind = kindOf(t.kind)
        if (cpu === undefined || kind === undefined || pksOf(k).panicked === 1) return t.done(-1)
        enterException(k, cpu, kind)
        return t.done()
      },
    },
  },
})

export const irqentry_exit = operation({
  name: 'irqentry_exit',
  does: 'The innermost handler returns.',
  source: inSeries('arch/x86/entry/common.c', 'irqentry_exit'),
  leftOut: 'Preemption on the way out.',
  start: {
    label: 'The handler returns',
    on: ['cpu'],
    by: 'device',
    args: () => ({}),
    refuse(k, _args, task) {
      const cpu = cpuOf(k, task)
      if (cpu === undefined || cpu.interrupts !== task) return 'No interrupt comes here.'
      const top = stackOf(k, cpu.id).at(-1)
      return top === undefined || top.kind === 'fault' ? 'No handler runs.' : undefined
    },
  },
  entry: 'leave',
  steps: {
    leave: {
      does: 'Write the saved value back to PKRS, and to the thread.',
      fn: 'irq_restore_pkrs',
      run(k, t) {
        const cpu = cpuOf(k, t.task.id)
        if (cpu === undefined || pksOf(k).panicked === 1) return t.done(-1)
        leaveException(k, cpu)
        return t.done()
      },
    },
  },
})
