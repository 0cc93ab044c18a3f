import { daxInvariants } from '../linux/invariants/families/dax'
import { createKernel, type Kernel, type Sizes } from '../linux/kernel'
import type { Operation } from '../machine'
import {
  countSeeds,
  type IomemSeed,
  type NamespaceSeed,
  seedFileSystem,
  seedIomem,
  seedNamespace,
  seedProcess,
  seedZeroPage,
} from './pmem-machine'
import type { Setup } from './scenario'

/** A process that acts: its name and pid. */
export interface Actor {
  readonly comm: string
  readonly pid: number
}

/** A machine with one namespace, its driver bound, and a file system on it. */
export interface DaxMachine {
  readonly iomem: readonly IomemSeed[]
  readonly namespace: NamespaceSeed
  readonly processes: readonly Actor[]
  /** Threads of root, without an address space of interest. */
  readonly admins: readonly string[]
  /** What does DMA. */
  readonly devices?: readonly string[]
  readonly sizes?: Partial<Sizes>
}

type Operations = readonly Operation<Kernel>[]

/** Boots such a machine as far as a mounted file system. */
export type BootDax = (setup: Setup, machine: DaxMachine) => Kernel

/** The boot of a machine whose threads can do these operations. */
export const bootDaxWith =
  (operations: Operations): BootDax =>
  (setup, machine) => {
    const k = bootBare(operations, setup, machine)
    const [admin = ''] = machine.admins
    seedFileSystem(k, seedNamespace(k, machine.namespace, admin), admin)
    return k
  }

/** The machine with its processes and shells, and no driver bound. */
export function bootBare(operations: Operations, setup: Setup, machine: DaxMachine): Kernel {
  const { iomem, processes, admins, devices = [], sizes } = machine
  const k = createKernel({
    // A preset has a value for every policy.
    policy: setup.policies as Kernel['policy'],
    operations,
    invariants: daxInvariants,
    sizes: {
      tasks: processes.length + admins.length + devices.length,
      mms: processes.length,
      resources: countSeeds(iomem) + SPARE_RESOURCES,
      ...sizes,
    },
  })
  seedIomem(k, iomem)
  seedZeroPage(k)
  for (const { comm, pid } of processes) seedProcess(k, comm, pid)
  for (const name of admins) k.tasks.make({ name, role: 'admin' })
  for (const name of devices) k.tasks.make({ name, role: 'device' })
  return k
}

/** Claims that a session may add to the tree. */
const SPARE_RESOURCES = 16
