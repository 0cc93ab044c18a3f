import { dmirror_allocate_chunk } from '../linux/drivers/hmm/test_hmm'
import { pci_p2pdma_add_resource } from '../linux/drivers/pci/p2pdma'
import { deviceMemoryInvariants } from '../linux/invariants/families/device-memory'
import type { Kernel } from '../linux/kernel'
import { bootMemoryMachine, type MemoryMachine } from './memory-machine'
import { run } from './pmem-machine'
import type { Setup } from './scenario'

/** A device with memory of its own, and what kind of memory that is. */
export interface GpuSeed {
  readonly type: 'PRIVATE' | 'COHERENT'
  /** Pages of its memory. */
  readonly pages?: number
}

/** The same machine with a PCI device that lends `pages` of a BAR out, its driver bound. */
export function bootLenderMachine(setup: Setup, machine: MemoryMachine, pages: number): Kernel {
  const k = bootMemoryMachine(setup, {
    ...machine,
    invariants: deviceMemoryInvariants,
    sizes: { ...machine.sizes, p2pdmas: 1 },
  })
  const { id: device } = k.p2pdmas.make({ name: '0000:01:00.0', start: BAR_START, pages })
  const [admin = ''] = machine.admins ?? []
  run(k, admin, pci_p2pdma_add_resource, { device })
  return k
}

/** Where the BAR is. */
const BAR_START = 0xe0000

/** Where firmware says that coherent memory is. */
const COHERENT_START = 0x480000

/** A machine of processes and one device with memory of its own, its driver bound by the first shell. */
export function bootGpuMachine(setup: Setup, machine: MemoryMachine, gpu: GpuSeed): Kernel {
  const k = bootMemoryMachine(setup, {
    ...machine,
    invariants: deviceMemoryInvariants,
    sizes: { ...machine.sizes, dmirrors: 1 },
  })
  const { type, pages } = gpu
  const size = pages === undefined ? {} : { pages }
  const { id: device } = k.dmirrors.make({
    name: 'gpu0',
    type,
    start: type === 'COHERENT' ? COHERENT_START : 0,
    ...size,
  })
  const [admin = ''] = machine.admins ?? []
  run(k, admin, dmirror_allocate_chunk, { device })
  return k
}
