import { PTE } from '../linux/arch/x86/pgtable'
import { ownerOfBlock } from '../linux/fs/extents'
import { punchArgs, truncateArgs } from '../linux/fs/shrink'
import type { Kernel } from '../linux/kernel'
import type { DaxMachine } from './dax-boot'
import { bootDaxMachine, bootDeviceMachine } from './dax-machine'
import { qemuNamespace, qemuQ35Pmem } from './machines/qemu-q35-pmem'
import { seedMemory } from './memory-machine'
import { areaAt, handleOf } from './memory-story'
import type { Act, Setup } from './scenario'

/** Pages of ordinary memory, for what does not live on the device. */
const MEMORY = { start: 0x12345, pages: 64 } as const

/** The machine of the recordings: 768 MiB of pmem, a file system on it, and a little memory. */
export function bootPmem(
  setup: Setup,
  machine: Pick<DaxMachine, 'processes' | 'admins' | 'devices' | 'sizes'>,
): Kernel {
  const sizes = { hotplug: 1, ...machine.sizes }
  const k = bootDaxMachine(setup, {
    iomem: qemuQ35Pmem,
    namespace: qemuNamespace,
    ...machine,
    sizes,
  })
  seedMemory(k, MEMORY, 'NORMAL')
  return k
}

/** The first block of the file system there: behind its metadata. */
export const BLOCK = 0x60400

/** The first page of the small device. */
export const DEVICE_PAGE = 0x480200

/** A DAX device of eight pages, each an entry of its own: the geometry of the sheet’s examples. */
export const bootSmallDevice = (
  setup: Setup,
  machine: Pick<DaxMachine, 'processes' | 'admins' | 'devices'>,
): Kernel =>
  bootDeviceMachine(
    setup,
    {
      iomem: [
        {
          name: 'Persistent Memory',
          start: 0x480000000,
          end: 0x4ffffffff,
          flags: 0x200,
          children: [],
        },
      ],
      namespace: { name: 'dax0.0', start: DEVICE_PAGE, end: DEVICE_PAGE + 8 },
      ...machine,
    },
    1,
  )

export const taskOf = (k: Kernel, who: string) => k.tasks.find(({ name }) => name === who)

/** True if a thread is in user space, and can begin something. */
export const isIdle = (k: Kernel, who: string): boolean => k.machine.isIdle(taskOf(k, who)?.id ?? 0)

/** Why a thread waits, as its lane shows it; empty where it does not. */
export const reasonOf = (k: Kernel, who: string): string =>
  isIdle(k, who) ? '' : (k.machine.waiting(taskOf(k, who)?.id ?? 0)?.reason ?? '')

/** What the last operation of a thread returned. */
export const returnOf = (k: Kernel, who: string): number => taskOf(k, who)?.ret ?? 0

/** `reads 0x11`, or `gets SIGBUS, BUS_ADRERR`: how the last access of a thread ended. */
export function accessOf(k: Kernel, who: string): string {
  const task = taskOf(k, who)
  if (task === undefined || task.role === 'zombie') return 'is dead'
  if (task.signal !== 'none') return `gets ${task.signal}, ${task.si_code}`
  return `reads 0x${task.value.toString(16).padStart(2, '0')}`
}

export const hasSignal = (k: Kernel, who: string): boolean => taskOf(k, who)?.signal === 'SIGBUS'

/** True once somebody has looked for a struct page that is gone. */
export const hasOopsed = (k: Kernel): boolean =>
  k.log.find(({ line }) => line.startsWith('BUG')) !== undefined

/** True where gup-fast takes a reference of the pgmap before the page’s: not of entries from 6.15 on. */
export const takesPgmap = (k: Kernel): boolean =>
  k.policy.gupPgmap === 'takes' && k.policy.daxRefcount === 'oneBased'

/** Whose a block of the file system is. */
export function ownerName(k: Kernel, pfn: number): string {
  const inode = ownerOfBlock(k, pfn)
  return inode === undefined ? 'nobody' : k.inodes.at(inode).name
}

/** The first block of a file, by name; undefined where it has none. */
export function firstBlock(k: Kernel, name: string): number | undefined {
  const inode = k.inodes.find((each) => each.name === name)?.id
  return inode === undefined ? undefined : k.extents.in(inode).runs()[0]?.pfn
}

/** `writable`, `read-only`, `a hwpoison entry` or `none`: the entry of a process at an area. */
export function entryOf(k: Kernel, who: string, label: string): string {
  const ptes = k.ptes.in(taskOf(k, who)?.mm ?? 0)
  const vpn = areaAt(k, label)
  if (!ptes.has(vpn)) return 'none'
  const { kind, flags } = ptes.at(vpn)
  if (kind !== 'leaf') return `a ${kind} entry`
  return (flags & PTE.rw) === 0 ? 'read-only' : 'writable'
}

const isExt4 = (k: Kernel): boolean =>
  k.superBlocks.find(({ s_type }) => s_type === 'ext4') !== undefined

const inodeOf = (k: Kernel, name: string) => k.inodes.find((each) => each.name === name)?.id ?? 0

/** truncate(2) to nothing, by whoever the file system has for it. */
export const truncates = (who: string, name: string): Act => ({
  who,
  operation: (k) => (isExt4(k) ? 'ext4_setattr' : 'xfs_vn_setattr'),
  args: (k) => ({ ...truncateArgs(k, inodeOf(k, name), 0) }),
})

/** fallocate(FALLOC_FL_PUNCH_HOLE) of the first pages. */
export const punches = (who: string, name: string, pages: number): Act => ({
  who,
  operation: (k) => (isExt4(k) ? 'ext4_punch_hole' : 'xfs_file_fallocate'),
  args: (k) => ({ ...punchArgs(k, inodeOf(k, name), 0, pages) }),
})

export const creates = (who: string, name: string, size: number): Act => ({
  who,
  operation: 'createFile',
  args: (k) => ({ superBlock: k.superBlocks.at(1).id, name, size }),
})

export const unlinks = (who: string, name: string): Act => ({
  who,
  operation: 'vfs_unlink',
  args: (k) => ({ inode: inodeOf(k, name) }),
})

/** write(2) over the whole file. */
export const overwrites = (who: string, name: string, value: number): Act => ({
  who,
  operation: 'writeFile',
  args: (k) => ({ inode: inodeOf(k, name), value }),
})

export const maps = (who: string, name: string, label: string, pages: number): Act => ({
  who,
  operation: 'do_mmap',
  args: (k) => ({ inode: inodeOf(k, name), pages, pgoff: 0, label, private: 0 }),
})

export const munmaps = (who: string, label: string): Act => ({
  who,
  operation: 'do_munmap',
  args: (k) => ({ vma: k.vmas.find((vma) => vma.label === label)?.id ?? 0 }),
})

/** A pin of the first pages of an area for writing; `longterm` as RDMA takes it. */
export const pinsArea = (
  who: string,
  label: string,
  { page = 0, pages = 1, longterm = 0 } = {},
): Act => ({
  who,
  operation: 'pin_user_pages_fast',
  args: (k) => ({ start: areaAt(k, label) + page, pages, write: 1, longterm, force: 0 }),
})

/** The last pin of a thread is dropped, if there is one still. */
export const unpins = (who: string, owner: string): Act => ({
  who,
  operation: 'unpin_user_pages',
  when: (k) => handleOf(k, owner) !== 0,
  args: (k) => ({ handle: handleOf(k, owner) }),
})

/** Root unbinds the driver: pmem, or that of a DAX device. */
export const unbinds = (who: string): Act => ({
  who,
  operation: (k) =>
    k.namespaces.at(1).mode === 'devdax' ? 'dev_dax_remove' : '__device_release_driver',
  args: () => ({ device: 1 }),
})

/** A process without a handler dies of its SIGBUS. */
export const dies = (who: string): Act => ({
  who,
  operation: 'do_exit',
  when: (k) => hasSignal(k, who),
})

/** Time passes, in halves of a second. */
export const ticks = (who: string, halves: number): Act => ({
  who,
  operation: 'update_wall_time',
  args: () => ({ ticks: halves }),
})

const listedLease = (k: Kernel) => k.daxLeases.find(({ listed }) => listed === 1)?.id ?? 0
export const isLeased = (k: Kernel): boolean => listedLease(k) !== 0

/** Under the series of 2017: a second passes, and a worker looks whether the lease can be given up. */
export const pollsLease = (clock: string, worker: string): readonly Act[] => [
  { ...ticks(clock, 2), when: isLeased },
  {
    who: worker,
    operation: 'dax_lease_break_work',
    when: (k) => isLeased(k) && k.daxLeases.at(listedLease(k)).break_due >= 0,
    args: (k) => ({ lease: listedLease(k) }),
  },
]
