import { IORESOURCE } from '../linux/include/ioport'
import { CAP } from '../linux/include/sched'
import { iomemInvariants } from '../linux/invariants/families/iomem'
import { createKernel, type Kernel, type Sizes } from '../linux/kernel'
import { iomem_init_inode } from '../linux/kernel/iomem-init'
import { operations } from '../linux/operations'
import { policies } from '../linux/policies'
import { choosePolicies, type Operation } from '../machine'
import {
  countSeeds,
  type IomemSeed,
  type NamespaceSeed,
  run,
  seedIomem,
  seedZeroPage,
} from './pmem-machine'
import type { Setup } from './scenario'

/** A file of I/O memory; the BAR by its first address. */
export interface NodeSeed {
  readonly path: string
  readonly kind: 'mem' | 'resource' | 'proc' | 'vfio' | 'uio'
  readonly bar?: number
}

/** A process; root’s own have the capabilities that /dev/mem and /proc/iomem ask for. */
export interface UserSeed {
  readonly comm: string
  readonly pid: number
  readonly isRoot?: boolean
}

/** A machine for the iomem tree: users of I/O memory, and drivers that claim it. */
export interface IomemMachine {
  readonly iomem: readonly IomemSeed[]
  readonly nodes: readonly NodeSeed[]
  readonly users: readonly UserSeed[]
  /** Root shells, in which drivers are bound; the first one boots the machine. */
  readonly admins: readonly string[]
  readonly devices?: readonly string[]
  readonly namespace?: NamespaceSeed
  /** Stop before fs_initcall: there is no iomem_inode yet, and no /dev/mem. */
  readonly early?: boolean
  /** What code does that is not in the list of operations: the owner of a node, a bridge. */
  readonly operations?: readonly Operation<Kernel>[]
  readonly sizes?: Partial<Sizes>
}

export const DEV_MEM: NodeSeed = { path: '/dev/mem', kind: 'mem' }

const ROOT_CAPS = CAP.sys_rawio | CAP.sys_admin

/** Claims and nodes that a session may add to the tree. */
const SPARE_RESOURCES = 16

/** Boots it: every file is there, nothing is open, nothing is claimed but what the listing says. */
export function bootIomemMachine(setup: Setup, machine: IomemMachine): Kernel {
  const { iomem, nodes, users, admins, devices = [], namespace, early, sizes } = machine
  const { operations: more = [] } = machine
  const k = createKernel({
    policy: choosePolicies(policies, setup.policies),
    operations: [...operations, ...more],
    invariants: iomemInvariants,
    sizes: {
      tasks: users.length + admins.length + devices.length + 2,
      mms: users.length + 2,
      resources: 2 + countSeeds(iomem) + SPARE_RESOURCES,
      inodes: nodes.length + 4,
      iomemNodes: nodes.length,
      ...sizes,
    },
  })
  seedIomem(k, iomem)
  seedZeroPage(k)
  const ports = k.resources.make({ name: 'PCI IO', end: 0xffff, flags: IORESOURCE.io })
  k.globals.ioport_resource = ports.id
  for (const { comm, pid, isRoot = true } of users) {
    const mm = k.mms.make({ comm, pid })
    k.tasks.make({ name: comm, role: 'process', mm: mm.id, cap_effective: isRoot ? ROOT_CAPS : 0 })
  }
  for (const name of admins) k.tasks.make({ name, role: 'admin' })
  for (const name of devices) k.tasks.make({ name, role: 'device' })
  if (namespace !== undefined) k.namespaces.make({ ...namespace })
  seedNodes(k, nodes)
  if (early !== true) run(k, admins[0] ?? '', iomem_init_inode, {})
  return k
}

/** The files, all in one file system: devtmpfs stands for sysfs and procfs as well. */
function seedNodes(k: Kernel, nodes: readonly NodeSeed[]): void {
  const superBlock = k.superBlocks.make({ s_type: 'tmpfs', s_id: 'devtmpfs' })
  for (const { path, kind, bar } of nodes) {
    const inode = k.inodes.make({ name: path, i_sb: superBlock.id })
    const node = k.resources.rows().findLast(({ start }) => start === bar)
    k.iomemNodes.make({ inode: inode.id, kind, bar: node?.id ?? 0 })
  }
}
