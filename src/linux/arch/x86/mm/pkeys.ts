import type { Source, Wait } from '../../../../machine'
import type { Kernel } from '../../../kernel'
import { operation } from '../../../operation'
import { hardwareHolds, taskHolds } from '../../../wait-holders'
import { INIT_PKRS, INIT_PKRS_2020, PKR_AD, PKR_CLOSED_2020, withRights } from '../pkeys'

/** A place in the postings of 2020 to 2022. */
export const inSeries = (file: string, fn: string, more = ''): Source => ({
  file,
  fn,
  version: 'PKS series, 2020 to 2022',
  evidence: 'memory',
  note: `The mechanism is that of the patches; names of functions are from memory. ${more}`.trim(),
})

export type CpuRow = ReturnType<Kernel['cpus']['at']>
export type ThreadRow = ReturnType<Kernel['pkrsThreads']['at']>

/** Where code runs: on which CPU, with whose rights, and how deep in handlers. */
export interface Context {
  readonly cpu: CpuRow
  /** The thread whose rights count, also in a handler that interrupts it. */
  readonly thread: ThreadRow
  /** Handlers on the stack; 0 in the thread itself. */
  readonly level: number
}

/** The one row of the variables of protection keys. */
export const pksOf = (k: Kernel) => k.pks.at(1)

export const threadOf = (k: Kernel, task: number): ThreadRow | undefined =>
  k.pkrsThreads.find((thread) => thread.task === task)

/** What is on the exception stack of a CPU, outermost first. */
export const stackOf = (k: Kernel, cpu: number) =>
  k.pkrsFrames
    .rows()
    .filter((frame) => frame.cpu === cpu)
    .sort((a, b) => a.depth - b.depth)

/** How many handlers of interrupts are on the stack; the handler of a page fault is its cause’s own. */
export const levelOf = (k: Kernel, cpu: number): number =>
  stackOf(k, cpu).filter(({ kind }) => kind !== 'fault').length

/** The CPU of which this task is the thread, or the handlers. */
export const cpuOf = (k: Kernel, task: number): CpuRow | undefined =>
  k.cpus.find(
    ({ online, current, interrupts }) => online === 1 && (current === task || interrupts === task),
  )

/** Where a task runs now; a sentence why it does not. */
export function contextOf(k: Kernel, task: number): Context | string {
  const cpu = cpuOf(k, task)
  const { name } = k.tasks.at(task)
  if (cpu === undefined) return `${name} is on no CPU`
  if (pksOf(k).panicked === 1) return 'the machine has stopped'
  const thread = threadOf(k, cpu.current)
  if (thread === undefined) return `${cpu.name} idles`
  const level = levelOf(k, cpu.id)
  const isHandler = cpu.interrupts === task
  if (isHandler && level === 0) return `no handler runs on ${name}`
  if (!isHandler && level > 0) return `a handler runs on ${cpu.name}`
  if (!isHandler && thread.dead === 1) return `${name} was killed`
  return { cpu, thread, level }
}

/** The same for a step that has been found ready. */
export function here(k: Kernel, t: OnTask): Context {
  const context = contextOf(k, t.task.id)
  if (typeof context === 'string') throw new Error(context)
  return context
}

interface OnTask {
  readonly task: { readonly id: number }
}

/** What brings a thread back that another was scheduled for: nobody need do anything for it. */
const SCHEDULER = 'the scheduler, by an interrupt of the timer'

const isPreempted = (k: Kernel, task: number): boolean =>
  threadOf(k, task)?.dead === 0 && pksOf(k).panicked === 0

/** Only what is on a CPU goes on. */
export const running: Wait<Kernel, OnTask> = {
  state: 'R',
  ready: (k, t) => typeof contextOf(k, t.task.id) !== 'string',
  reason(k, t) {
    const context = contextOf(k, t.task.id)
    return `waits: ${typeof context === 'string' ? context : 'it is running'}`
  },
  // A handler that runs in its place goes first; nobody brings back a thread that was killed.
  holders(k, t) {
    const cpu = cpuOf(k, t.task.id)
    if (cpu === undefined) return isPreempted(k, t.task.id) ? hardwareHolds(SCHEDULER) : []
    const isInterrupted = levelOf(k, cpu.id) > 0
    return isInterrupted && cpu.interrupts !== t.task.id ? taskHolds(cpu.interrupts) : []
  },
}

/** Why a task cannot begin anything, as a sentence for the page. */
export function notRunning(k: Kernel, task: number): string | undefined {
  if (k.cpus.capacity === 0) return 'CPUs are not simulated on this machine.'
  const context = contextOf(k, task)
  return typeof context === 'string' ? sentence(context) : undefined
}

export const sentence = (words: string): string =>
  `${words.charAt(0).toUpperCase()}${words.slice(1)}.`

/** Rights that close a key: see PKR_CLOSED_2020. */
export const closedRights = (k: Kernel): number =>
  k.policy.pks === 'rfc2020' ? PKR_CLOSED_2020 : PKR_AD

export const opened = (k: Kernel, pkrs: number): number => withRights(pkrs, pksOf(k).key, 0)
export const closed = (k: Kernel, pkrs: number): number =>
  withRights(pkrs, pksOf(k).key, closedRights(k))

/** Writes the register of a CPU, if the cache does not say that the value is there already. */
export function write_pkrs(k: Kernel, cpu: CpuRow, value: number): void {
  if (cpu.has_pks === 0 || k.policy.pks === 'none') return
  if (cpu.pkrs_cache === value) {
    pksOf(k).skipped += 1
    return
  }
  cpu.pkrs_cache = value
  wrmsr(k, cpu, value)
}

/** WRMSR alone: the cache is not asked. */
export function wrmsr(k: Kernel, cpu: CpuRow, value: number): void {
  cpu.msr_pkrs = value
  pksOf(k).writes += 1
}

/** The value that a kernel image begins with: a constant, but for the series of 2021. */
export function initialPkrs(k: Kernel): number {
  switch (k.policy.pks) {
    case 'none':
    case 'v7':
      return 0
    case 'rfc2020':
      return INIT_PKRS_2020
    case 'v10':
      return INIT_PKRS
    default:
      return k.policy.pks satisfies never
  }
}

/** A CPU comes up. */
export const setup_pks = operation({
  name: 'setup_pks',
  does: 'A CPU comes up: it gets the initial value of PKRS, and CR4.PKS.',
  source: inSeries('arch/x86/mm/pkeys.c', 'setup_pks'),
  leftOut: 'All the rest of bringing a CPU up.',
  start: {
    label: 'Bring it up',
    on: ['cpu'],
    by: 'device',
    args: () => ({}),
    refuse(k, _args, task) {
      const cpu = k.cpus.find(({ interrupts }) => interrupts === task)
      if (cpu === undefined) return 'This is no CPU.'
      if (cpu.online === 1 && cpu.cr4_pks === cpu.has_pks) return 'It is up.'
      const isSecondary = cpu.id !== k.cpus.rows()[0]?.id
      return isSecondary && k.policy.pks === 'v7' && pksOf(k).init === 0
        ? 'The early initcalls run before the other CPUs come up.'
        : undefined
    },
  },
  entry: 'write',
  steps: {
    write: {
      does: 'Write the initial value, unless the cache says that the register has it: after a reset both are 0.',
      fn: 'write_pkrs',
      run(k, t) {
        const cpu = k.cpus.find(({ interrupts }) => interrupts === t.task.id)
        if (cpu === undefined) return t.done(-1)
        write_pkrs(k, cpu, pksOf(k).init)
        return 'enable'
      },
    },
    enable: {
      does: 'Set CR4.PKS: from now on the keys are checked, on a CPU that has them and a kernel that knows them. No thread has run here before.',
      fn: 'cr4_set_bits',
      run(k, t) {
        const cpu = k.cpus.find(({ interrupts }) => interrupts === t.task.id)
        if (cpu === undefined) return t.done(-1)
        if (k.policy.pks !== 'none') cpu.cr4_pks = cpu.has_pks
        cpu.online = 1
        return t.done()
      },
    },
  },
})

export const create_initial_pkrs_value = operation({
  name: 'create_initial_pkrs_value',
  does: 'The series of 2021 computes the initial value of PKRS at boot; the others have a constant.',
  source: inSeries(
    'arch/x86/mm/pkeys.c',
    'create_initial_pkrs_value',
    'An early_initcall; a constant from v8 on.',
  ),
  leftOut: 'The list of keys with their consumers.',
  start: {
    label: 'Run the early initcall',
    on: ['cpu'],
    by: 'admin',
    args: () => ({}),
    refuse: (k, _args, task) => notRunning(k, task),
  },
  entry: 'build',
  steps: {
    build: {
      does: 'Deny keys 1 to 15. CPUs and threads that are there already keep what they have.',
      when: running,
      run(k, t) {
        if (k.policy.pks === 'v7') pksOf(k).init = INIT_PKRS
        return t.done()
      },
    },
  },
})
