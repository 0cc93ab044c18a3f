import { PTE } from '../linux/arch/x86/pgtable'
import { dax_bus_remove, dev_dax_probe } from '../linux/drivers/dax/bus'
import { MEMORY_BLOCK_PAGES } from '../linux/include/memory'
import { PAGE_SIZE } from '../linux/include/mm'
import { VM } from '../linux/include/mm_types'
import { PG } from '../linux/include/page-flags'
import type { Kernel } from '../linux/kernel'
import { online_pages } from '../linux/mm/memory_hotplug'
import { bootCxlMachine } from '../scenarios/cxl-machine'
import { defaultSetup } from '../scenarios/open'
import { run } from '../scenarios/pmem-machine'
import { toTheEnd } from './to-the-end'

/** Where the memory begins, in page frames: at 1 TiB. */
const START = 2 ** 28

const PROCESSES = ['a', 'b', 'c'] as const

/** Memory that kmem has added and that is online, all of it in use: each of three processes has a third. */
export function bootAddedMemory(pages: number, kmemRemove: string): Kernel {
  const policies = { ...defaultSetup.policies, kmemRemove }
  const k = bootCxlMachine(
    { ...defaultSetup, policies },
    {
      processes: PROCESSES.map((comm, i) => ({ comm, pid: i + 1 })),
      admins: ['root shell'],
      region: 'none',
    },
  )
  const range = { start: START * PAGE_SIZE, end: (START + pages) * PAGE_SIZE - 1 }
  const { id: dax } = k.devDaxes.make({ name: 'dax0.0', ...range })
  run(k, 'root shell', dev_dax_probe, { dax, devdax: 0 })
  const block = START / MEMORY_BLOCK_PAGES
  const blocks = pages / MEMORY_BLOCK_PAGES
  run(k, 'root shell', online_pages, { block, blocks, movable: 1 })
  PROCESSES.forEach((comm, i) => {
    fill(k, comm, START + i * Math.floor(pages / 3), Math.floor(pages / 3))
  })
  return k
}

/** Pages from `pfn` on belong to an area of a process, as if it had written each. */
function fill(k: Kernel, comm: string, pfn: number, pages: number): void {
  const { id: mm } = k.mms.rows().find((each) => each.comm === comm) ?? { id: 0 }
  const start = 2 ** 33
  const vm_flags = VM.read | VM.write | VM.mayread | VM.maywrite
  const area = { vm_start: start, vm_end: start + pages, vm_pgoff: start, vm_flags, label: comm }
  k.vmas.make({ vm_mm: mm, ...area })
  const flags = PTE.present | PTE.rw | PTE.user | PTE.accessed | PTE.dirty | PTE.nx
  k.ptes.in(mm).fill(start, start + pages, { pfn, flags })
  k.freePages.clear(pfn, pfn + pages)
  k.pages.edit(pfn, pfn + pages, () => ({
    refcount: 1,
    mapcount: 0,
    flags: PG.lru | PG.dirty | PG.uptodate | PG.swapbacked | PG.anon_exclusive,
  }))
}

/** Unbinds kmem, to the end. Returns the steps that it took. */
export const unbindKmem = (k: Kernel): number => toTheEnd(k, dax_bus_remove, { dax: 1 })
