import { proc_iomem } from '../linux/fs/proc/iomem'
import type { Kernel } from '../linux/kernel'
import { bootCxlMachine, type CxlMachine, seedPageAt } from '../scenarios/cxl-machine'
import { setupOf } from './preset-setup'
import { TestKernel } from './test-kernel'

/** A machine of the examples W24 to W28, in the words of their tables. */
export class CxlKernel extends TestKernel {
  /** `on on off on`: blocks 144 to 147, or `–` where there is none. */
  get blocks(): string {
    const { memoryBlocks } = this.kernel
    const words = { online: 'on', offline: 'off', going_offline: 'going' } as const
    return [144, 145, 146, 147]
      .map((block) => (memoryBlocks.has(block) ? words[memoryBlocks.at(block).state] : '–'))
      .join(' ')
  }

  /** What is under the window, as `a>b` for one in the other, and `+` beside each other. */
  get underWindow(): string {
    const lines = proc_iomem(this.kernel).split('\n')
    const from = lines.findIndex((line) => line.endsWith('CXL Window 0'))
    return lines
      .slice(from + 1)
      .filter((line) => line.startsWith('  '))
      .map((line) => [line.search(/\S/), line.slice(line.indexOf(' : ') + 3)] as const)
      .map(([indent, name], i) => (i === 0 ? name : `${indent > 2 ? '>' : '+'}${name}`))
      .join('')
  }

  get state(): string {
    return this.kernel.cxlRegions.find(() => true)?.state ?? '–'
  }

  get dax(): string {
    return this.kernel.devDaxes.find(() => true)?.driver ?? 'gone'
  }

  /** The decoders that decode, by name. */
  get committed(): string[] {
    return this.kernel.cxlDecoders
      .rows()
      .filter(({ committed, name }) => committed === 1 && name !== 'decoder0.0')
      .map(({ name }) => name)
  }

  /** The byte that a process reads at an area, and how it ended. */
  loads(who: string, operation: { readonly name: string }, label = 'buf'): number {
    const vpn = this.kernel.vmas.find((vma) => vma.label === label)?.vm_start ?? 0
    const task = this.task(who)
    task.begins(operation, { vpn, value: 0, offset: 0 }).finishes()
    return task.row.value
  }
}

interface Boot {
  readonly preset?: string
  readonly policies?: Readonly<Record<string, string>>
  readonly machine?: Partial<CxlMachine>
}

/** Boots the machine with region0, and processes A and B. */
export function bootCxl({ preset = 'v6.12', policies = {}, machine }: Boot = {}): CxlKernel {
  const kernel: Kernel = bootCxlMachine(setupOf(preset, policies), {
    processes: [
      { comm: 'A', pid: 100 },
      { comm: 'B', pid: 101 },
    ],
    admins: ['root shell', 'another shell', 'pciehp'],
    devices: ['nvme0', 'mlx5_0'],
    ...machine,
  })
  return new CxlKernel(kernel)
}

/** A page of the first card, in block 144. */
export const PFN = 0x480500

/** The same, where a page on a card is A’s. */
export function bootWithPage({ pfn = PFN, ...boot }: Boot & { pfn?: number } = {}): CxlKernel {
  const k = bootCxl(boot)
  seedPageAt(k.kernel, 'A', { pfn, value: 0x53 })
  return k
}
