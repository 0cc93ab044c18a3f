import { expect } from 'vitest'
import { mapAnonymous } from '../linux/mm/mmap'
import { userStore } from '../linux/mm/user-access'
import { bootGpuMachine, bootLenderMachine, type GpuSeed } from '../scenarios/gpu-machine'
import { run } from '../scenarios/pmem-machine'
import { MemoryKernel } from './memory-kernel'
import { setupOf } from './preset-setup'

/** A machine with one device whose pages are handed out: of a GPU, or of a BAR. */
export class GpuKernel extends MemoryKernel {
  /** The first page of the device. */
  get first(): number {
    return this.kernel.pgmaps.at(1).start
  }

  /** `live:2`: the pgmap of the device. */
  get pg(): string {
    const { state, ref } = this.kernel.pgmaps.at(1)
    return state === 'exited' ? 'exited' : `${state}:${ref}`
  }

  /** `2/0`: `_refcount` and `_mapcount` of the device’s first page; `–` without a struct page. */
  get count(): string {
    if (!this.kernel.pages.has(this.first)) return '–'
    const { refcount, mapcount } = this.kernel.pages.at(this.first)
    return `${refcount}/${mapcount}`
  }

  /** What the entry of `buf` is: its kind, and `D` if it names the device’s page, `R` if another. */
  where(who = 'app'): string {
    const ptes = this.kernel.ptes.in(this.mmOf(who))
    if (!ptes.has(this.vpn)) return 'none'
    const { kind, pfn } = ptes.at(this.vpn)
    return `${kind} ${pfn === this.first ? 'D' : 'R'}`
  }

  get logLines(): string[] {
    return this.kernel.log.rows().map(({ line }) => line)
  }

  /** Runs a thread to its end, and checks every property after every step. */
  checked(who: string): number {
    const task = this.task(who)
    while (this.kernel.machine.canStep(task.id)) {
      task.step()
      this.holds()
    }
    return task.finishes()
  }

  /** No property of the machine is broken. */
  holds(): void {
    const broken = this.kernel.invariants.map((invariant) => [
      invariant.name,
      this.broken(invariant),
    ])
    expect(broken.filter(([, says]) => says !== undefined)).toEqual([])
  }
}

const machine = {
  processes: [{ comm: 'app', pid: 100, threads: ['app 2'] }],
  admins: ['root', 'root 2'],
  devices: ['nvme0'],
}

/** Boots a machine whose PCI device lends out four pages of a BAR. */
export const bootLender = (preset: string): GpuKernel =>
  new GpuKernel(bootLenderMachine(setupOf(preset), machine, 4))

/** Boots it; `app` has written 0x50 to its one page. */
export function bootGpu(
  preset: string,
  { policies = {}, ...gpu }: Partial<GpuSeed> & { policies?: Record<string, string> } = {},
): GpuKernel {
  const about = { type: 'PRIVATE', pages: 8, ...gpu } as const
  const kernel = bootGpuMachine(setupOf(preset, policies), machine, about)
  run(kernel, 'app', mapAnonymous, { pages: 1, huge: 0, label: 'A' })
  const k = new GpuKernel(kernel)
  run(kernel, 'app', userStore, { vpn: k.vpn, value: 0x50 })
  return k.drain() as GpuKernel
}
