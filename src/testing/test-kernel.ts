import { expect } from 'vitest'
import { flagsSet } from '../arena'
import { PTE } from '../linux/arch/x86/pgtable'
import type { Kernel } from '../linux/kernel'
import type { Invariant, Operation } from '../machine'
import type { DaxMachine } from '../scenarios/dax-boot'
import { bootDaxMachine } from '../scenarios/dax-machine'
import { qemuNamespace, qemuQ35Pmem } from '../scenarios/machines/qemu-q35-pmem'
import { defaultSetup } from '../scenarios/open'
import { seedFile, seedMapping } from '../scenarios/pmem-machine'

const MAX_STEPS = 500

/** A thread, moved by a test in words. */
class TestTask {
  constructor(
    private readonly kernel: Kernel,
    readonly id: number,
  ) {}

  /** Begins an operation. */
  begins(operation: { readonly name: string }, args: object = {}): this {
    this.kernel.machine.start(this.id, operation as Operation<Kernel>, args)
    return this
  }

  /** Goes on until the step of this name comes next. */
  runTo(step: string): this {
    for (let i = 0; i < MAX_STEPS; i++) {
      if (this.next === step) return this
      expect(this.kernel.machine.canStep(this.id), `before ${step}: ${this.reason}`).toBe(true)
      this.kernel.machine.step(this.id)
    }
    throw new Error(`${step} does not come`)
  }

  step(): this {
    this.kernel.machine.step(this.id)
    return this
  }

  /** Goes on until it is done, or waits. */
  runs(): this {
    for (let i = 0; i < MAX_STEPS && this.kernel.machine.canStep(this.id); i++)
      this.kernel.machine.step(this.id)
    return this
  }

  /** Goes on to its end; waiting is a failure. Returns what it returned. */
  finishes(): number {
    this.runs()
    expect(this.kernel.machine.isIdle(this.id), this.reason).toBe(true)
    return this.row.ret
  }

  get next(): string | undefined {
    return this.kernel.machine.frames(this.id)[0]?.step.name
  }

  get reason(): string {
    return this.kernel.machine.waiting(this.id)?.reason ?? ''
  }

  get row() {
    return this.kernel.tasks.at(this.id)
  }
}

/** A kernel with a vocabulary for tests. */
export class TestKernel {
  constructor(readonly kernel: Kernel) {}

  task(name: string): TestTask {
    const task = this.kernel.tasks.find((each) => each.name === name)
    if (task === undefined) throw new Error(`there is no thread ${name}`)
    return new TestTask(this.kernel, task.id)
  }

  expectPage(
    pfn: number,
    fields: Partial<Record<'refcount' | 'mapcount' | 'mapping', number>>,
  ): void {
    const { refcount, mapcount, mapping } = this.kernel.pages.at(pfn)
    expect({ refcount, mapcount, mapping }).toMatchObject(fields)
  }

  /** The names of the bits of an entry, or undefined where there is none. */
  bits(vpn: number, mm = 1): string[] | undefined {
    const ptes = this.kernel.ptes.in(mm)
    return ptes.has(vpn) ? flagsSet(PTE, ptes.at(vpn).flags) : undefined
  }

  /** What breaks a property now, as a sentence. */
  broken(invariant: Invariant<Kernel>): string | undefined {
    return (
      invariant.kind === 'always' ? invariant.broken(this.kernel) : invariant.shown(this.kernel)
    )?.says
  }
}

/** File page 0 of the test file, as a pfn: the first block behind the metadata. */
export const P0 = 0x60400

/** A virtual page of an area, by its label. */
export const vpnOf = (k: TestKernel, label: string): number =>
  k.kernel.vmas.find((vma) => vma.label === label)?.vm_start ?? 0

/** The recorded machine, with one file of 8 MiB that `app` maps: A whole, and B 16 KiB of its middle. */
export function bootTest(
  policies: Readonly<Record<string, string>> = {},
  more: Partial<DaxMachine> = {},
): TestKernel {
  const setup = { ...defaultSetup, policies: { ...defaultSetup.policies, ...policies } }
  const kernel = bootDaxMachine(setup, {
    iomem: qemuQ35Pmem,
    namespace: qemuNamespace,
    processes: [
      { comm: 'app', pid: 1 },
      { comm: 'other', pid: 2 },
    ],
    admins: ['shell', 'shell 2'],
    ...more,
  })
  const inode = seedFile(kernel, 'shell', '/mnt/a', 8 << 20)
  seedMapping(kernel, 'app', { inode, pages: 2048, pgoff: 0, label: 'A' })
  seedMapping(kernel, 'app', { inode, pages: 4, pgoff: 1025, label: 'B' })
  return new TestKernel(kernel)
}
