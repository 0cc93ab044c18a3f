import type { Answer } from '../checker/check'
import type { Apart, SpacesCompared } from '../checker/compare'
import { summaryOf } from '../checker/verdicts'
import { writeLink } from '../formats/permalink'
import { changedField } from '../formats/traces/step-lines'
import { diffOfTraces } from '../formats/traces/two-traces'
import type { Kernel } from '../linux/kernel'
import { isDid, type Row, type Side } from '../machine'
import type { Request } from '../scenarios/open'
import type { Scenario } from '../scenarios/scenario'
import { firstDifferent, setupTitle, type TwoSetups } from '../scenarios/two-setups'

/** A schedule that was played under two setups. */
export interface Compared {
  readonly scenario: Scenario
  readonly a: Request
  readonly b: Request
  readonly played: TwoSetups
}

/** True where the schedule went the same on both sides. */
export const isSame = (played: TwoSetups): boolean =>
  played.start.length === 0 && firstDifferent(played) === undefined

/** Both sides as they are called, with kernels that name the fields. */
export const titled = ({ scenario, a, b, played }: Compared) => ({
  a: { title: setupTitle(scenario, a), kernel: played.a.kernel },
  b: { title: setupTitle(scenario, b), kernel: played.b.kernel },
})

/** The comparison as one document. */
export function asJson(compared: Compared, space: SpacesCompared | undefined) {
  const { scenario, played } = compared
  const { a, b } = titled(compared)
  const { start, rows } = played
  const first = rows.find((row) => !row.isSame)
  return {
    scenario: scenario.name,
    a: a.title,
    b: b.title,
    same: isSame(played),
    steps: rows.length,
    start,
    firstDifference: first === undefined ? null : rowJson(first, played),
    differences: rows.filter((row) => !row.isSame).map((row) => rowJson(row, played)),
    diff: diffOfTraces({ a, b, start, rows }),
    ...(space === undefined ? {} : { space: spaceJson(compared, space) }),
  }
}

/** The number of a step, on the side that took it. */
export const stepNumber = (row: Row | undefined): number | undefined =>
  [row?.a, row?.b].find(isDid)?.at

const rowJson = ({ a, b }: Row, played: TwoSetups) => ({
  a: sideJson(played.a.kernel, a),
  b: sideJson(played.b.kernel, b),
})

function sideJson(k: Kernel, side: Side | undefined) {
  if (side === undefined) return null
  if (!isDid(side)) return { who: side.who, passedOver: side.says }
  const { who, operation, step, fn, returned } = side.moment
  return {
    step: side.at,
    who,
    operation,
    name: step ?? null,
    fn,
    returned: returned ?? null,
    changed: side.changes.map((change) => changedField(k, change)),
    broken: side.broken,
  }
}

function spaceJson(compared: Compared, { a, b, both, leftOut, verdicts }: SpacesCompared) {
  const side = (letter: 'a' | 'b', { answer, all, only, nearest }: SpacesCompared['a']) => ({
    ...foundBy(answer),
    limit: answer.limit ?? null,
    ...all,
    only: only ?? null,
    nearest:
      nearest === undefined
        ? null
        : {
            inMemory: nearest.isInMemory,
            steps: nearest.choices.length,
            switches: nearest.switches,
            asShort: nearest.count,
            differsAt: stepNumber(nearest.first) ?? null,
            diff: nearestDiff(compared, nearest),
            schedule: nearest.choices,
            link: linkOf(compared, letter, nearest),
          },
  })
  return { a: side('a', a), b: side('b', b), both, notCompared: leftOut, verdicts }
}

/** What was found, with the steps to each. */
function foundBy(answer: Answer) {
  const { verdict, broken, shown, hangs, livelock } = summaryOf(answer)
  return { verdict, broken, shown, hangs, livelock }
}

/** What the sides do differently first on the way to what one of them alone reaches: the step, or the start. */
export function nearestDiff(compared: Compared, { first }: Apart): string {
  const { start } = compared.played
  const rows = first === undefined ? [] : [first]
  return diffOfTraces({ ...titled(compared), start: first === undefined ? start : [], rows })
}

/** A link to the schedule that leads to what one side alone reaches. */
export function linkOf(
  { scenario, ...sides }: Compared,
  letter: 'a' | 'b',
  { choices }: Apart,
): string {
  const { preset = scenario.preset, policies = {}, params = {} } = sides[letter]
  const cursor = choices.length
  return `#${writeLink({ scenario: scenario.name, preset, policies, params, cursor, choices })}`
}
