import { PTE } from '../linux/arch/x86/pgtable'
import { __device_release_driver } from '../linux/drivers/base/dd'
import { dev_dax_remove } from '../linux/drivers/dax/device'
import { ib_umem_get } from '../linux/drivers/infiniband/umem'
import { DAX, TAG } from '../linux/include/fs'
import { PAGE_SIZE } from '../linux/include/mm'
import type { Kernel } from '../linux/kernel'
import { makeArea } from '../linux/mm/mmap'
import type { DaxMachine } from '../scenarios/dax-boot'
import { bootDaxMachine, bootDeviceMachine } from '../scenarios/dax-machine'
import { defaultSetup } from '../scenarios/open'
import { run, seedFile, seedMapping } from '../scenarios/pmem-machine'
import { toTheEnd } from './to-the-end'

/** A device that three processes map whole, before its driver is unbound. */
export interface MappedDevice {
  readonly pages: number
  /** What the entries of the processes are. */
  readonly by: 'pmd' | 'pte'
  /** Stretches of the mapping that differ from their neighbours: 1 where nothing does. */
  readonly runs?: number
  /** A file of pmem with a file system, or the node of a DAX device. */
  readonly mode?: 'fsdax' | 'devdax'
  readonly policies?: Readonly<Record<string, string>>
  /** An RDMA adapter has 512 pages of a process. */
  readonly pinned?: boolean
}

/** Where the device begins, in page frames: at 1 TiB. */
const START = 2 ** 28

/** Pages that the file system keeps for itself. */
const METADATA_PAGES = 1024

const PROCESSES = ['a', 'b', 'c'] as const
const LEAF = PTE.present | PTE.rw | PTE.user | PTE.accessed | PTE.devmap | PTE.nx

/** Boots it; the file is dirty, and the processes have asked for early kill, so that each has to be found. */
export function bootMappedDevice(device: MappedDevice): Kernel {
  const k = device.mode === 'devdax' ? bootNode(device) : bootFile(device)
  for (const task of k.tasks.rows()) if (task.role === 'process') task.mce_kill = 'early'
  const { vm_start } = k.vmas.at(1)
  if (device.pinned === true) run(k, 'a', ib_umem_get, { start: vm_start, pages: 512 })
  return k
}

function machineOf(pages: number, name: string): DaxMachine {
  const end = START + pages
  const range = { start: START * PAGE_SIZE, end: end * PAGE_SIZE - 1 }
  return {
    iomem: [{ name: 'Persistent Memory', ...range, flags: 0x200, children: [] }],
    namespace: { name, start: START, end },
    processes: PROCESSES.map((comm, i) => ({ comm, pid: i + 1 })),
    admins: ['root shell'],
  }
}

const setupOf = ({ policies = {} }: MappedDevice) => ({
  ...defaultSetup,
  policies: { ...defaultSetup.policies, ...policies },
})

function bootFile(device: MappedDevice): Kernel {
  const k = bootDaxMachine(setupOf(device), machineOf(device.pages, 'namespace0.0'))
  const mapped = device.pages - METADATA_PAGES
  const inode = seedFile(k, 'root shell', '/mnt/a', mapped * PAGE_SIZE)
  for (const comm of PROCESSES) seedMapping(k, comm, { inode, pages: mapped, pgoff: 0, label: 'A' })
  const { pfn } = k.extents.in(inode).at(0)
  const { id } = k.inodes.at(inode)
  const flags = device.by === 'pmd' ? DAX.pmd : 0
  k.pages.edit(pfn, pfn + mapped, ({ start }) => ({ mapping: id, index: start - pfn }))
  for (const { first, last, isOdd } of stretches(mapped, device.runs))
    k.daxEntries
      .in(inode)
      .fill(first, last, { pfn: pfn + first, flags, marks: isOdd ? 0 : TAG.dirty })
  mapAll(k, device, mapped, pfn)
  return k
}

function bootNode(device: MappedDevice): Kernel {
  const align = device.by === 'pmd' ? 512 : 1
  const k = bootDeviceMachine(setupOf(device), machineOf(device.pages, 'dax0.0'), align)
  const place = { inode: 1, pages: device.pages, pgoff: 0, label: 'A' }
  for (const { id } of k.mms.rows()) makeArea(k, id, place)
  mapAll(k, device, device.pages, START)
  return k
}

/** The entries of every process, and what they count where entries count. */
function mapAll(k: Kernel, { by, runs }: MappedDevice, mapped: number, pfn: number): void {
  const size = by === 'pmd' ? PTE.pse : PTE.special
  for (const { vm_mm, vm_start } of k.vmas.rows())
    for (const { first, last, isOdd } of stretches(mapped, runs)) {
      const flags = LEAF | size | (isOdd ? 0 : PTE.dirty)
      k.ptes.in(vm_mm).fill(vm_start + first, vm_start + last, { pfn: pfn + first, flags, gen: 1 })
    }
  if (k.policy.daxRefcount === 'counted')
    k.pages.edit(pfn, pfn + mapped, ({ refcount }) => ({
      refcount: refcount + PROCESSES.length,
      mapcount: PROCESSES.length - 1,
    }))
}

/** Cuts pages into so many stretches, at multiples of 2 MiB; every other one is odd. */
function stretches(pages: number, runs = 1) {
  const length = Math.floor(pages / runs / 512) * 512
  return Array.from({ length: runs }, (_, i) => ({
    first: i * length,
    last: i === runs - 1 ? pages : (i + 1) * length,
    isOdd: i % 2 === 1,
  }))
}

/** Unbinds the driver of the device, to the end. Returns the steps that it took. */
export function unbind(k: Kernel): number {
  const isNode = k.namespaces.at(1).mode === 'devdax'
  return toTheEnd(k, isNode ? dev_dax_remove : __device_release_driver, { device: 1 })
}
