import type { Answer } from '../checker/check'
import type { Apart, Counts, SpacesCompared } from '../checker/compare'
import { verdictText } from '../checker/verdict-text'
import { summaryOf } from '../checker/verdicts'
import { diffOfTraces } from '../formats/traces/two-traces'
import { firstDifferent } from '../scenarios/two-setups'
import { type Compared, isSame, linkOf, nearestDiff, stepNumber, titled } from './compare-answer'
import { counted, say } from './output'

/** Prints a comparison for a reader. */
export function print(compared: Compared, space: SpacesCompared | undefined): void {
  const { played } = compared
  const { a, b } = titled(compared)
  const { start, rows } = played
  const first = firstDifferent(played)
  if (isSame(played)) say(`The same under both, for ${counted(rows.length, 'step')}.`)
  else {
    const at = first === undefined ? undefined : stepNumber(rows[first])
    const many = rows.filter((row) => !row.isSame).length
    if (at === undefined) say('They differ before the first step.')
    else say(`Step ${at} is the first that differs; ${many} of ${rows.length} rows do.`)
    say(`\n${diffOfTraces({ a, b, start, rows })}`.trimEnd())
  }
  if (space !== undefined) printSpace(compared, space)
}

function printSpace(compared: Compared, { a, b, both, leftOut, verdicts }: SpacesCompared): void {
  say(`\nEvery interleaving, a: ${titled(compared).a.title}, b: ${titled(compared).b.title}`)
  say(
    `  both reach ${counted(both.states, 'state')}, ${counted(both.memories, 'content')} of memory`,
  )
  for (const [letter, side] of [
    ['a', a],
    ['b', b],
  ] as const) {
    const { answer, all, only, nearest } = side
    say(`  ${letter}: ${foundText(answer)}; ${countsText(all)}`)
    if (only === undefined) say('     what it reaches alone is not known: the other was stopped')
    else say(`     alone: ${countsText(only)}`)
    if (nearest !== undefined) printNearest(compared, letter, nearest)
  }
  for (const { where, field, a: left, b: right } of leftOut)
    say(`  never the same, and so not compared: ${where}.${field}: ${left} | ${right}`)
  for (const verdict of verdicts) say(`  ${verdict.name}: a ${verdict.a}, b ${verdict.b}`)
}

/** The verdict, and what it is about, with the steps to each. */
function foundText(answer: Answer): string {
  const { limit } = answer
  const text = verdictText({ ...summaryOf(answer), isComplete: true })
  if (limit === undefined) return text
  return `${text}, ${limit === 'cancel' ? 'interrupted' : `stopped at the limit of ${limit}`}`
}

const countsText = ({ states, memories }: Counts): string =>
  `${counted(states, 'state')}, ${counted(memories, 'content')}`

function printNearest(compared: Compared, letter: 'a' | 'b', nearest: Apart): void {
  const { choices, switches, isInMemory, first } = nearest
  const what = isInMemory ? 'content of memory' : 'place of a thread'
  const at = stepNumber(first)
  const where = at === undefined ? '' : `; the sides differ from its step ${at} on`
  say(
    `     the nearest ${what}: after ${counted(choices.length, 'step')}, ${counted(switches, 'context switch', 'es')}${where}`,
  )
  say(`     ${linkOf(compared, letter, nearest)}`)
  for (const line of nearestDiff(compared, nearest).trimEnd().split('\n')) say(`     ${line}`)
}
