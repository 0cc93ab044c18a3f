import { bootCpus, bootThreads, resetGlobals } from '../linux/arch/x86/kernel/reboot'
import { mapDirectly } from '../linux/arch/x86/mm/direct-map'
import { IORESOURCE } from '../linux/include/ioport'
import { PAGE_SIZE } from '../linux/include/mm'
import { pksInvariants } from '../linux/invariants/families/pks'
import { createKernel, type Kernel } from '../linux/kernel'
import { operations } from '../linux/operations'
import { policies } from '../linux/policies'
import { choosePolicies } from '../machine'
import { type IomemSeed, seedIomem, seedNamespace } from './pmem-machine'
import type { Setup } from './scenario'

/** Page frames [start, end) of ordinary memory, and of pmem. */
export const RAM = { start: 0x100, end: 0x80000 } as const
export const PMEM = { start: 0x240000, end: 0x280000 } as const

/** A machine whose CPUs are rows: threads run on them, handlers interrupt them. */
export interface PksMachine {
  /** Kernel threads; the first ones run, one on each CPU. */
  readonly threads: readonly string[]
  readonly cpus?: number
  /** False where the CPUs have no protection keys for supervisor pages. */
  readonly hasPks?: boolean
  /** Stop before the first CPU is set up: only the first thread is there. */
  readonly atReset?: boolean
  /** Which key pmem has: 1, or the next one where the self-test owns that. */
  readonly key?: number
}

const iomem: readonly IomemSeed[] = [
  {
    name: 'System RAM',
    start: RAM.start * PAGE_SIZE,
    end: RAM.end * PAGE_SIZE - 1,
    flags: IORESOURCE.mem | IORESOURCE.busy | IORESOURCE.sysram,
    children: [],
  },
  {
    name: 'Persistent Memory',
    start: PMEM.start * PAGE_SIZE,
    end: PMEM.end * PAGE_SIZE - 1,
    flags: IORESOURCE.mem,
    desc: 'PERSISTENT_MEMORY',
    children: [],
  },
]

export const cpuName = (number: number): string => `CPU${number}`

/** Boots it: pmem is bound, threads run, nothing is mapped. */
export function bootPksMachine(setup: Setup, machine: PksMachine): Kernel {
  const { threads, cpus = 2, hasPks = true, atReset = false, key = 1 } = machine
  const k = createKernel({
    policy: choosePolicies(policies, setup.policies),
    operations,
    invariants: pksInvariants,
    sizes: { tasks: threads.length + cpus, mms: 1, cpus },
  })
  seedIomem(k, iomem)
  k.pks.make({ key })
  resetGlobals(k)
  const tasks = threads.map((name) => k.tasks.make({ name, role: 'admin' }).id)
  for (let number = 0; number < cpus; number++) {
    const name = cpuName(number)
    const interrupts = k.tasks.make({ name, role: 'device' }).id
    const current = number === 0 || !atReset ? (tasks[number] ?? 0) : 0
    k.cpus.make({ name, interrupts, current, online: atReset ? 0 : 1, has_pks: hasPks ? 1 : 0 })
  }
  mapDirectly(k, RAM.start, RAM.end, false)
  seedNamespace(k, { name: 'namespace0.0', ...PMEM }, threads[0] ?? '')
  if (atReset) k.pkrsThreads.make({ task: tasks[0] ?? 0, pkrs: k.pks.at(1).init })
  else {
    bootCpus(k)
    bootThreads(k)
  }
  const pks = k.pks.at(1)
  Object.assign(pks, { writes: 0, skipped: 0 })
  return k
}
