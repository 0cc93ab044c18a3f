import type { Answer, Example, HangAnswer, Limit, PropertyAnswer } from '../checker/check'
import { hangReasons } from '../checker/verdict-text'
import type { Asked } from '../store/state'

/** A whole number as the page prints it. */
export const figure = (n: number): string =>
  n > Number.MAX_SAFE_INTEGER
    ? `more than ${Number.MAX_SAFE_INTEGER.toLocaleString('en')}`
    : Math.round(n).toLocaleString('en')

/** A number with its word: "1 step", "1,200 steps". */
export const counted = (n: number, word: string): string =>
  `${figure(n)} ${n === 1 ? word : pluralOf(word)}`

const pluralOf = (word: string): string =>
  word.endsWith('y') ? `${word.slice(0, -1)}ies` : word.endsWith('ch') ? `${word}es` : `${word}s`

/** Colour is never the only sign. */
export const signs = {
  holds: '✓',
  broken: '✕',
  shown: '●',
  never: '○',
  notApplicable: '–',
  open: '·',
  hang: '✕',
  livelock: '✕',
  limit: '·',
} as const

const MIB = 2 ** 20

export const memory = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`

const stops: Readonly<Record<Limit, string>> = {
  states: 'Stopped at the limit of states',
  memory: 'Stopped at the limit of memory',
  time: 'Stopped at the limit of time',
  cancel: 'Cancelled',
}

export const whyItHangs = ({ because }: HangAnswer): string => hangReasons[because]

export const brokenOnes = ({ properties }: Answer): PropertyAnswer[] =>
  properties
    .filter(({ verdict }) => verdict === 'broken')
    .sort((a, b) => (a.depth ?? 0) - (b.depth ?? 0))

/** The answer in one sentence, or two. */
export function headline(answer: Answer): string {
  const { verdict, states, limit, hangs, livelock } = answer
  const end = limit === undefined ? '' : ` ${stops[limit]}: there may be more.`
  switch (verdict) {
    case 'holds':
      return nothingBreaks(answer)
    case 'broken': {
      const [nearest, ...others] = brokenOnes(answer)
      const { length } = others
      const more =
        length === 0
          ? ''
          : ` ${counted(length, 'other property')} ${length === 1 ? 'is' : 'are'} broken too.`
      return `Broken ${soon(nearest?.depth)}: ${nearest?.claim}${more}${end}`
    }
    case 'hang': {
      const [hang] = hangs
      return hang === undefined
        ? ''
        : `${hang.who} can hang, after ${counted(hang.depth, 'step')}: ${whyItHangs(hang)}.`
    }
    case 'livelock':
      return `${livelock?.who.join(' and ')} can go round for ever, after ${counted(livelock?.depth ?? 0, 'step')}.`
    case 'limit':
      return `${stops[limit ?? 'cancel']}, after ${counted(states, 'state')}: nothing is broken so far, and nothing is proved.`
    default:
      return verdict satisfies never
  }
}

function nothingBreaks({ states, transitions, isReduced }: Answer): string {
  if (transitions === 0)
    return 'There is nothing to interleave: no thread has a step to take. Nothing is broken as it is.'
  const those = counted(states, 'state')
  const explored = isReduced ? `${those} that stand for all` : `all ${those}`
  return `Nothing breaks in any interleaving: ${explored} were explored.`
}

/** How soon a thing is reached; no thread has to take a step for what is so at once. */
const soon = (depth = 0): string =>
  depth === 0 ? 'before the threads are free' : `in ${counted(depth, 'step')}`

/** Where in its schedule a thing is reached, if there was something before the search began. */
export function whereInSchedule({ begins, depth }: Example, { from }: Asked): string | undefined {
  if (begins === 0 || depth === 0) return undefined
  const before = from === undefined ? 'that set the scene' : 'that are done already'
  return `Step ${figure(begins + depth)} of its schedule: ${counted(depth, 'step')} after the ${figure(begins)} ${before}.`
}

/** What was found, as a sentence of its own. */
export const findingText = ({ kind, says }: PropertyAnswer): string | undefined =>
  says && `What ${kind === 'always' ? 'breaks' : 'shows'} it: ${says.replace(/\.?$/, '.')}`

export const NOT_APPLICABLE =
  'Not applicable: no state that was reached has anything of what the property speaks of, so that it could neither hold nor break.'

/** How one property stands, in a few words. */
export function verdictOf({ verdict, depth = 0 }: PropertyAnswer): string {
  switch (verdict) {
    case 'broken':
    case 'shown':
      return `${verdict} ${soon(depth)}`
    case 'open':
      return 'not decided'
    case 'notApplicable':
      return 'not applicable'
    default:
      return verdict
  }
}

/** How many other schedules are as short. Where the search ended in their midst, there may be more. */
export function others({ count, depth }: Example, { limit, depth: deepest }: Answer): string {
  const least = limit !== undefined && depth >= deepest ? 'at least ' : ''
  return `${least}${figure(count - 1)} ${count === 2 ? 'other is' : 'others are'} as short`
}
