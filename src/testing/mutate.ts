import { dmaRead } from '../linux/drivers/dma/engine'
import { clear_refs_write } from '../linux/fs/proc/task_mmu'
import { memoryInvariants } from '../linux/invariants/families/memory'
import type { Kernel } from '../linux/kernel'
import { kernel_clone } from '../linux/kernel/fork'
import { pin_user_pages_fast } from '../linux/mm/gup'
import { cmp_and_merge_page } from '../linux/mm/ksm'
import { do_madvise } from '../linux/mm/madvise'
import { do_munmap } from '../linux/mm/mmap'
import { mprotect_fixup } from '../linux/mm/mprotect'
import { userLoad, userStore } from '../linux/mm/user-access'
import { shrink_folio_list } from '../linux/mm/vmscan'
import type { Invariant, Outcome } from '../machine'
import { type MemoryKernel, P } from './memory-kernel'
import type { TestKernel } from './test-kernel'

/** Where a task stands, as far as a mutant looks at it. */
type MutantFrame = Readonly<
  Record<'handle' | 'mm' | 'pfn' | 'vpn' | 'child' | 'target', number>
> & {
  readonly task: ReturnType<Kernel['tasks']['at']>
  readonly ret: number
  done(value?: number): Outcome
}

type Run = (k: Kernel, t: MutantFrame) => string | Outcome

/** What a step does instead; `original` is what it did before. */
export type Mutant = (k: Kernel, t: MutantFrame, original: Run) => string | Outcome

/** An operation of the kernel, whatever its parameters are. */
export interface Mutable {
  readonly name: string
  readonly steps: readonly { readonly name: string }[]
}

/** Has one step of an operation do something else for as long as `body` takes. */
export function withMutation<T>(
  operation: Mutable,
  stepName: string,
  run: Mutant,
  body: () => T,
): T {
  const found = operation.steps.find(({ name }) => name === stepName)
  if (found === undefined) throw new Error(`${operation.name} has no step ${stepName}`)
  const step = found as unknown as { run: Run }
  const { run: original } = step
  step.run = (k, t) => {
    const next = run(k, t, original)
    if (typeof next === 'string' && !operation.steps.some(({ name }) => name === next))
      throw new Error(`${operation.name} has no step ${next} to go on at`)
    return next
  }
  try {
    return body()
  } finally {
    step.run = original
  }
}

/** One mistake in the engine: what a step does instead of what it should. */
export interface Mistake {
  readonly mistake: string
  readonly operation: Mutable
  readonly step: string
  readonly mutant: Mutant
}

/** Has the engine make a mistake for as long as `body` takes. */
export const withMistake = <T>({ operation, step, mutant }: Mistake, body: () => T): T =>
  withMutation(operation, step, mutant, body)

/** A mistake, a schedule in which it shows, and the sentence that tells it. */
export interface Mutation<K extends TestKernel = MemoryKernel> extends Mistake {
  readonly breaks: Invariant<Kernel>
  /** Where the usual machine does not do. */
  readonly boot?: () => K
  readonly schedule: (k: K) => unknown
  readonly says: string
}

/** Plays the schedule of a mutation, with the mistake or without; what breaks its property. */
export function play<K extends TestKernel>(
  { breaks, boot, schedule, ...mistake }: Mutation<K>,
  usual: () => K,
  isMutated: boolean,
): readonly string[] {
  const k = (boot ?? usual)()
  const found = watch(k, [breaks])
  if (isMutated) withMistake(mistake, () => schedule(k))
  else schedule(k)
  return found
}

/** Looks at properties after every step from here on; what breaks them is in the list, as it comes. */
export function watch(
  k: TestKernel,
  properties: readonly Invariant<Kernel>[] = memoryInvariants,
): readonly string[] {
  const found: string[] = []
  const { machine } = k.kernel
  const step = machine.step.bind(machine)
  const look = (after: string): void => {
    for (const property of properties) {
      const says = k.broken(property)
      if (says !== undefined) found.push(`after ${after}, ${property.name}: ${says}`)
    }
  }
  machine.step = (task, choice) => {
    const name = machine.stepName(task)
    step(task, choice)
    look(name)
  }
  look('the boot')
  return found
}

const areaOf = (k: MemoryKernel, who: string) =>
  k.kernel.vmas.find(({ vm_mm }) => vm_mm === k.mmOf(who))?.id

type Thread = ReturnType<MemoryKernel['task']>

/** How GUP is called where a schedule does not say: by `parent`, a pin for writing. */
interface Gup {
  readonly who?: string
  readonly by?: { readonly name: string }
  readonly write?: number
  readonly longterm?: number
  readonly start?: number
}

/** What threads do to the page at A, begun and not yet run: the words of the schedules. */
export const acts = {
  gup(k: MemoryKernel, { who = 'parent', by = pin_user_pages_fast, ...more }: Gup = {}): Thread {
    const usual = { start: k.vpn, pages: 1, write: 1, longterm: 0, force: 0 }
    return k.task(who).begins(by, { ...usual, ...more })
  },
  fork: (k: MemoryKernel, name = 'child'): Thread =>
    k.task('parent').begins(kernel_clone, { name }),
  store: (k: MemoryKernel, who: string, value: number, offset = 0): Thread =>
    k.task(who).begins(userStore, { vpn: k.vpn, value, offset }),
  munmap: (k: MemoryKernel, who: string): Thread =>
    k.task(who).begins(do_munmap, { vma: areaOf(k, who) }),
  protect: (k: MemoryKernel, write: number): Thread =>
    k.task('parent').begins(mprotect_fixup, { vma: areaOf(k, 'parent'), read: 1, write }),
  clearRefs: (k: MemoryKernel): Thread => k.task('tracer').begins(clear_refs_write, { mm: 1 }),
  reclaim: (k: MemoryKernel, pfn = P): Thread =>
    k.task('kswapd0').begins(shrink_folio_list, { pfn }),
  mergeable: (k: MemoryKernel, who: string): Thread =>
    k.task(who).begins(do_madvise, { vma: areaOf(k, who), advice: 'MERGEABLE' }),
  scan: (k: MemoryKernel, who: string): Thread =>
    k.task('ksmd').begins(cmp_and_merge_page, { mm: k.mmOf(who), vpn: k.vpn }),
} as const

/** What a process reads at A, by its TLB or its page table. */
export function loads(k: MemoryKernel, who: string, offset = 0): number {
  const task = k.task(who)
  task.begins(userLoad, { vpn: k.vpn, value: 0, offset }).finishes()
  return task.row.value
}

/** What the device reads in the page of its first handle. */
export function deviceReads(k: MemoryKernel): number {
  const device = k.task('mlx5_0')
  device.begins(dmaRead, { handle: 1, page: 0 }).finishes()
  return device.row.value
}
