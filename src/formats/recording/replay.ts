import type { Kernel } from '../../linux/kernel'
import { lru_add_drain_all } from '../../linux/mm/swap'
import { presetFor } from '../../linux/presets'
import { perform } from './actions'
import { type Compared, compare, type Observed } from './compare'
import { observe } from './observe'
import { actionsOf } from './own-actions'
import type { RecordedStep, Recording } from './record'
import { bootRecorded, bootRecordedDevice, bootRecordedIomem, type Session } from './session'

/** How a recording and the engine compare. */
export interface Replay {
  readonly name: string
  readonly kernel: string
  /** Records with a `do`: those that were replayed. */
  readonly records: number
  /** Records without one: for reading only. */
  readonly skipped: number
  /** Observed fields that were compared. */
  readonly compared: number
  readonly agreed: number
  readonly disagreements: readonly Observed[]
  /** Every record, those that are only read as well. */
  readonly steps: readonly ReplayedStep[]
}

/** A record with what came of it. */
export interface ReplayedStep {
  readonly step: RecordedStep
  /** Nothing for a record that says only in words what was done. */
  readonly compared: readonly Compared[] | undefined
}

/** The rules of the recorded kernel; the name of a recording says whether its XFS had a reverse map. */
const rulesOf = ({ kernel, name }: Recording): Readonly<Record<string, string>> => ({
  ...presetFor(kernel)?.policies,
  ...(name.includes('rmap') ? { rmapbt: 'on' } : {}),
})

/** Runs every record under the rules of the kernel that was recorded, or under others: every record that says what was done, and compares all that the kernel showed. */
export function replay(
  recording: Recording,
  policies: Readonly<Record<string, string>> = rulesOf(recording),
): Replay {
  const sessions = new Map<string, Session>()
  const all = recording.steps.map((step) => ({ ...step, do: actionsOf(step) }))
  const steps = all.filter((step) => step.do !== undefined)
  const outcomes = new Map<RecordedStep, Compared[]>()
  let last: Session | undefined
  for (const step of steps) {
    const session = sessions.get(step.group) ?? sessionFor(step, last, steps, policies)
    last = session
    sessions.set(step.group, session)
    outcomes.set(step, compare(step, replayStep(session, step), session))
    session.forgetFreed()
  }
  const compared = [...outcomes.values()].flat()
  const disagreements = compared.filter(({ agrees }) => !agrees).map(withoutVerdict)
  return {
    name: recording.name,
    kernel: recording.kernel,
    records: steps.length,
    skipped: recording.steps.length - steps.length,
    compared: compared.length,
    agreed: compared.length - disagreements.length,
    disagreements,
    steps: all.map((step) => ({ step, compared: outcomes.get(step) })),
  }
}

const withoutVerdict = ({ record, field, kernel, engine }: Compared): Observed => ({
  record,
  field,
  kernel,
  engine,
})

/** A group begins on fresh memory, unless its first action is about what the group before has mapped. */
function sessionFor(
  { do: actions = [] }: RecordedStep,
  last: Session | undefined,
  steps: readonly RecordedStep[],
  policies: Readonly<Record<string, string>>,
): Session {
  const [first] = actions
  const goesOn = first?.at !== undefined && !first.op.startsWith('mmap')
  if (goesOn && last !== undefined) return last
  const does = (name: string) => steps.some((step) => step.do?.some(({ op }) => op === name))
  if (does('mmap_phys')) return bootRecordedIomem(policies)
  return does('mmap_dev') ? bootRecordedDevice(policies) : bootRecorded(policies)
}

/** Acts and looks; in a few records the page tables were read before the accesses. */
function replayStep(session: Session, step: RecordedStep): Readonly<Record<string, unknown>> {
  session.begin()
  const before = readBeforeActs(step) ? observe(session, step) : undefined
  for (const action of step.do ?? []) perform(session, action)
  settle(session.kernel)
  if (drains(step)) lru_add_drain_all(session.kernel)
  const after = observe(session, step)
  if (before === undefined) return after
  const isWalk = (value: unknown) => typeof value === 'object' && value !== null && 'pte' in value
  return Object.fromEntries(
    Object.entries(after).map(([key, value]) => [key, isWalk(value) ? before[key] : value]),
  )
}

/** Said so in the recordings' own description: step 3 of `unbind`, step 1b of `-prereq` groups. */
const readBeforeActs = ({ group, n }: RecordedStep): boolean =>
  (group.endsWith('unbind') && n === '3') || (group.endsWith('-prereq') && n === '1b')

/** The recording script drained the LRU batches of all CPUs before it looked, but in one group. */
const drains = ({ group }: RecordedStep): boolean => group !== 'basic-nodrain'

/** Lets every thread go on as far as it can: what has slept and was woken comes to its end. */
function settle(k: Kernel): void {
  let moved = true
  while (moved) {
    moved = false
    for (const { id } of k.tasks.rows())
      while (k.machine.canStep(id)) {
        k.machine.step(id)
        moved = true
      }
  }
}
