import { IORESOURCE } from '../linux/include/ioport'
import { memoryInvariants } from '../linux/invariants/families/memory'
import { createKernel, type Kernel, type Sizes } from '../linux/kernel'
import { operations } from '../linux/operations'
import { policies } from '../linux/policies'
import { choosePolicies, type Invariant } from '../machine'
import { type IomemSeed, seedIomem, seedZeroPage } from './pmem-machine'
import type { Setup } from './scenario'

/** Page frames [start, start + pages) of ordinary memory. */
export interface MemorySeed {
  readonly start: number
  readonly pages: number
}

/** A process with its threads; the first has the name of the process. */
export interface ProcessSeed {
  readonly comm: string
  readonly pid: number
  readonly threads?: readonly string[]
}

/** A machine of processes, kernel threads and devices, with a little memory. */
export interface MemoryMachine {
  readonly processes: readonly ProcessSeed[]
  /** Kernel threads and root shells. */
  readonly admins?: readonly string[]
  readonly devices?: readonly string[]
  readonly pipes?: readonly string[]
  readonly normal?: MemorySeed
  readonly movable?: MemorySeed
  readonly sizes?: Partial<Sizes>
  /** What holds of it; of anonymous memory, where nothing else is said. */
  readonly invariants?: readonly Invariant<Kernel>[]
}

/** The first page that is handed out is the one of the fact sheet’s examples. */
const NORMAL: MemorySeed = { start: 0x12345, pages: 24 }

/** Gives the allocator its free pages; their zone says whether they must stay movable. */
export function seedMemory(k: Kernel, { start, pages }: MemorySeed, type: 'NORMAL' | 'MOVABLE') {
  const end = start + pages
  k.zones.make({ type, start, end })
  k.pages.fill(start, end, { refcount: 0 })
  k.freePages.fill(start, end, {})
  k.contents.fill(start, end, {})
}

/** Another thread of a process. */
export function seedThread(k: Kernel, comm: string, name: string): void {
  const owner = k.mms.find((mm) => mm.comm === comm)
  if (owner === undefined) throw new Error(`seedThread: no process ${comm}`)
  owner.mm_users += 1
  k.tasks.make({ name, role: 'process', mm: owner.id })
}

/** Two gigabytes of memory, as far as the resource tree knows. */
const systemRam: readonly IomemSeed[] = [
  {
    name: 'System RAM',
    start: 0x100000,
    end: 0x7fffffff,
    flags: IORESOURCE.mem | IORESOURCE.busy | IORESOURCE.sysram,
    children: [],
  },
]

/** Boots it: nothing is mapped yet. */
export function bootMemoryMachine(setup: Setup, machine: MemoryMachine): Kernel {
  const { processes, admins = [], devices = [], pipes = [], sizes = {} } = machine
  const threads = processes.flatMap(({ threads: more = [] }) => more)
  const k = createKernel({
    policy: choosePolicies(policies, setup.policies),
    operations,
    invariants: machine.invariants ?? memoryInvariants,
    sizes: {
      tasks: processes.length + threads.length + admins.length + devices.length + SPARE_TASKS,
      mms: processes.length + 2,
      pipes: Math.max(1, pipes.length),
      ...sizes,
    },
  })
  seedIomem(k, systemRam)
  seedZeroPage(k)
  seedMemory(k, machine.normal ?? NORMAL, 'NORMAL')
  if (machine.movable !== undefined) seedMemory(k, machine.movable, 'MOVABLE')
  for (const { comm, pid, threads: more = [] } of processes) {
    const mm = k.mms.make({ comm, pid })
    k.tasks.make({ name: comm, role: 'process', mm: mm.id })
    for (const name of more) seedThread(k, comm, name)
  }
  for (const name of admins) k.tasks.make({ name, role: 'admin' })
  for (const name of devices) k.tasks.make({ name, role: 'device' })
  for (const name of pipes) k.pipes.make({ name })
  return k
}

/** Threads that fork may add. */
const SPARE_TASKS = 2
