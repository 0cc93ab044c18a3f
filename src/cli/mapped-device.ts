import { PTE } from '../linux/arch/x86/pgtable'
import { __device_release_driver } from '../linux/drivers/base/dd'
import { DAX, TAG } from '../linux/include/fs'
import { PAGE_SIZE } from '../linux/include/mm'
import type { Kernel } from '../linux/kernel'
import type { Operation } from '../machine'
import { bootDaxMachine } from '../scenarios/dax-machine'
import { defaultSetup } from '../scenarios/open'
import { seedFile, seedMapping } from '../scenarios/pmem-machine'

/** Where the device begins, in page frames: at 1 TiB. */
const START = 2 ** 28

/** Pages that the file system keeps for itself. */
const METADATA_PAGES = 1024

const PROCESSES = ['a', 'b', 'c'] as const
const LEAF =
  PTE.present | PTE.rw | PTE.user | PTE.accessed | PTE.dirty | PTE.pse | PTE.devmap | PTE.nx

/** A pmem device of so many pages; its one file is dirty, and three processes map all of it with PMDs. */
export function bootMappedDevice(pages: number): Kernel {
  const end = START + pages
  const range = { start: START * PAGE_SIZE, end: end * PAGE_SIZE - 1 }
  const k = bootDaxMachine(defaultSetup, {
    iomem: [{ name: 'Persistent Memory', ...range, flags: 0x200, children: [] }],
    namespace: { name: 'namespace0.0', start: START, end },
    processes: PROCESSES.map((comm, i) => ({ comm, pid: i + 1 })),
    admins: ['root shell'],
  })
  const mapped = pages - METADATA_PAGES
  const inode = seedFile(k, 'root shell', '/mnt/a', mapped * PAGE_SIZE)
  for (const comm of PROCESSES) seedMapping(k, comm, { inode, pages: mapped, pgoff: 0, label: 'A' })
  const { pfn } = k.extents.in(inode).at(0)
  for (const { vm_mm, vm_start, vm_end } of k.vmas.rows())
    k.ptes.in(vm_mm).fill(vm_start, vm_end, { pfn, flags: LEAF, gen: 1 })
  k.daxEntries.in(inode).fill(0, mapped, { pfn, flags: DAX.pmd, marks: TAG.dirty })
  const { id } = k.inodes.at(inode)
  k.pages.edit(pfn, pfn + mapped, ({ start }) => ({ mapping: id, index: start - pfn }))
  return k
}

/** Unbinds the driver of the device, to the end. Returns the steps that it took. */
export function unbind(k: Kernel): number {
  const task = k.tasks.find(({ role }) => role === 'admin')?.id ?? 0
  k.machine.start(task, __device_release_driver as unknown as Operation<Kernel>, { device: 1 })
  let steps = 0
  for (; k.machine.canStep(task); steps++) k.machine.step(task)
  return steps
}
