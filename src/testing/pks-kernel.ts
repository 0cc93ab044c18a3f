import { irqentry_enter, irqentry_exit } from '../linux/arch/x86/entry/common'
import { __schedule } from '../linux/arch/x86/kernel/process'
import { kernelStore } from '../linux/arch/x86/mm/fault'
import { stackOf, threadOf } from '../linux/arch/x86/mm/pkeys'
import { kmapPage, kunmapPage } from '../linux/mm/highmem'
import { bootPksMachine, type PksMachine, PMEM } from '../scenarios/pks-machine'
import { setupOf } from './preset-setup'
import { TestKernel } from './test-kernel'

/** Pages of pmem that the examples call p, q, p1 and p2. */
export const P = PMEM.start + 1
export const Q = PMEM.start + 2

type Thread = ReturnType<TestKernel['task']>

const hex = (value: number): string => value.toString(16).padStart(8, '0').toUpperCase()

/** A machine of the examples W14 to W19, in the words of their tables. */
export class PksKernel extends TestKernel {
  private cpu(number: number) {
    return this.kernel.cpus.at(number + 1)
  }

  private thread(name: string) {
    const thread = threadOf(this.kernel, this.task(name).id)
    if (thread === undefined) throw new Error(`${name} has no thread_struct`)
    return thread
  }

  msr = (cpu: number): string => (this.cpu(cpu).online === 1 ? hex(this.cpu(cpu).msr_pkrs) : '–')
  cache = (cpu: number): string => hex(this.cpu(cpu).pkrs_cache)
  saved = (name: string): string => hex(this.thread(name).pkrs)
  ref = (name: string): number => this.thread(name).count

  get glob(): string {
    return hex(this.kernel.pks.at(1).pkrs_global_cache)
  }

  /** `[{FFFFFFF0,FFFFFFF0,1}]`, outermost first. */
  stack(cpu: number): string {
    const frames = stackOf(this.kernel, cpu + 1).map(
      ({ pkrs, thread, count }) => `{${hex(pkrs)},${hex(thread)},${count}}`,
    )
    return frames.length === 0 ? '–' : `[${frames.join(',')}]`
  }

  /** `oops 0x23`, or `alive`. */
  fate(name: string): string {
    const { dead, error_code } = this.thread(name)
    return dead === 0 ? 'alive' : `oops 0x${error_code.toString(16)}`
  }

  get cost() {
    const { writes, skipped, ipis, faults } = this.kernel.pks.at(1)
    return { writes, skipped, ipis, faults }
  }

  /** Maps a page, and gives the number of the mapping. */
  map(who: string, by: string, pfn = P, global = 0): number {
    return this.task(who).begins(kmapPage, { pfn, by, global }).finishes()
  }

  unmap(who: string, mapping: number): void {
    this.task(who).begins(kunmapPage, { mapping }).finishes()
  }

  /** By a stray pointer, where no mapping is named. */
  writes(who: string, { pfn = P, mapping = 0, value = 0xbd } = {}): Thread {
    return this.task(who).begins(kernelStore, { pfn, mapping, value }).runs()
  }

  enters(cpu: number, kind: 'irq' | 'nmi' = 'irq'): void {
    this.task(`CPU${cpu}`).begins(irqentry_enter, { kind }).finishes()
  }

  exits(cpu: number): void {
    this.task(`CPU${cpu}`).begins(irqentry_exit).finishes()
  }

  switches(cpu: number, next: string): void {
    this.task(`CPU${cpu}`)
      .begins(__schedule, { next: this.task(next).id })
      .finishes()
  }

  byte(pfn = P): number {
    return this.kernel.contents.has(pfn) ? this.kernel.contents.at(pfn).value : 0
  }

  /** Names of the properties that do not hold now. */
  get brokenNames(): string[] {
    return this.kernel.invariants
      .filter((each) => this.broken(each) !== undefined)
      .map(({ name }) => name)
  }

  get log(): string[] {
    return this.kernel.log.rows().map(({ line }) => line)
  }
}

/** Boots the machine of a preset, with threads A on CPU0 and B on CPU1. */
export function bootPks(
  preset: string,
  policies: Readonly<Record<string, string>> = {},
  machine: Partial<PksMachine> = {},
): PksKernel {
  return new PksKernel(
    bootPksMachine(setupOf(preset, policies), { threads: ['A', 'B'], ...machine }),
  )
}
