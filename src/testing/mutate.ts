import { memoryInvariants } from '../linux/invariants/families/memory'
import type { Kernel } from '../linux/kernel'
import type { Invariant, Outcome } from '../machine'
import type { MemoryKernel } from './memory-kernel'
import type { TestKernel } from './test-kernel'

/** Where a task stands, as far as a mutant looks at it. */
type MutantFrame = Readonly<
  Record<'handle' | 'mm' | 'pfn' | 'vpn' | 'child' | 'target' | 'bad', number>
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

/** What one step of an operation does instead. */
interface Change {
  readonly operation: Mutable
  readonly step: string
  readonly mutant: Mutant
}

/** One mistake in the engine: what a step does instead of what it should. */
export interface Mistake extends Change {
  readonly mistake: string
  /** Other steps that it takes. */
  readonly also?: readonly Change[]
}

/** Has the engine make a mistake for as long as `body` takes. */
export const withMistake = <T>({ also = [], ...first }: Mistake, body: () => T): T =>
  withChanges([first, ...also], body)

const withChanges = <T>([first, ...rest]: readonly Change[], body: () => T): T =>
  first === undefined
    ? body()
    : withMutation(first.operation, first.step, first.mutant, () => withChanges(rest, body))

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
