import type { Answer, Example } from '../checker/check'
import type { Reply } from '../checker/messages'
import type { Kernel } from '../linux/kernel'
import type { Flag, Timeline } from '../machine'
import { type Opened, openScenario } from '../scenarios/open'
import { type Line, openLine } from './checker-line'
import { ownPolicies, show } from './session'
import type { Asked, Checking, Wish } from './state'
import { getState, setState, usePinhole } from './store'

/** Schedules that are told apart; the others are counted. */
const MOST_SCHEDULES = 8

/** Time that a checker has to answer when it is to stop, in milliseconds. */
const PATIENCE_MS = 1000

let line: Line | undefined

/** Counts the questions: what belongs to an earlier one is not heard. */
let count = 0

// The page is about something else now; of another kernel or rule an answer still says what it was about.
usePinhole.subscribe(({ checking, opened }) => {
  const { asked } = checking ?? {}
  if (asked !== undefined && asked.scenario.name !== opened.scenario.name) endChecking()
})

const change = (changes: Partial<Checking>): void =>
  setState(({ checking }) => ({ checking: checking && { ...checking, ...changes } }))

/** Asks for every interleaving of what the page shows; what comes of it comes into the state. */
export async function ask(wish: Wish): Promise<void> {
  endChecking()
  const number = count
  const asked = askedOf(getState().opened, wish)
  setState({ checking: { asked, phase: 'searching', examples: {} } })
  const listen = (reply: Reply) => {
    if (number === count) hear(reply)
  }
  const opened = await openLine(asked.scenario, listen).catch(() => undefined)
  if (number !== count) {
    opened?.end()
    return
  }
  if (opened === undefined) {
    change({ phase: 'refused', sentence: 'The checker could not be loaded: try it again.' })
    return
  }
  line = opened
  change({ place: opened.place })
  const { scenario, request, from } = asked
  const begins = from === undefined ? {} : { from }
  // Not every browser tells.
  const helpers = Math.max(0, (navigator.hardwareConcurrency || 1) - 1)
  const { isFromHere: _, ...question } = wish
  opened.say({ kind: 'ask', scenario: scenario.name, ...request, ...begins, ...question, helpers })
}

function askedOf(opened: Opened, wish: Wish): Asked {
  const { scenario, preset, setup, timeline } = opened
  const request = { preset, policies: ownPolicies(opened), params: setup.params }
  const { branch, cursor } = timeline
  const from = wish.isFromHere ? { choices: branch.choices, moment: cursor } : undefined
  return { scenario, preset, setup, request, branch: branch.name, from, wish }
}

/** Stops the search at once; the answer is about what it has seen. */
export function cancel(): void {
  const { checking } = getState()
  if (checking === undefined || isSettled(checking)) return
  const number = count
  const giveUp = () => {
    if (number !== count || isSettled(getState().checking as Checking)) return
    end()
    change({ phase: 'refused', sentence: 'Cancelled, before there was an answer.' })
  }
  if (line === undefined) giveUp()
  line?.say({ kind: 'cancel' })
  setTimeout(giveUp, PATIENCE_MS)
}

const isSettled = ({ phase }: Checking): boolean => phase === 'answered' || phase === 'refused'

function end(): void {
  count += 1
  line?.end()
  line = undefined
}

/** Forgets the answer, and ends the checker that has it. */
export function endChecking(): void {
  end()
  setState({ checking: undefined })
}

function hear(reply: Reply): void {
  switch (reply.kind) {
    case 'progress': {
      const { kind, isOver, ...progress } = reply
      change({ phase: isOver ? 'judging' : 'searching', progress })
      break
    }
    case 'answer': {
      const { answer, progress } = reply
      change({ phase: 'answered', answer, progress })
      for (const what of found(answer)) line?.say({ kind: 'example', what, most: MOST_SCHEDULES })
      break
    }
    case 'example': {
      const { what, example } = reply
      const examples = getState().checking?.examples
      if (example !== undefined) change({ examples: { ...examples, [what]: example } })
      break
    }
    case 'refused': {
      const isAnswered = getState().checking?.answer !== undefined
      change({ phase: isAnswered ? 'answered' : 'refused', sentence: reply.sentence })
      break
    }
    default:
      reply satisfies never
  }
}

/** What there are schedules to, as the checker names it; the nearest first. */
function found({ properties, hangs, livelock }: Answer): string[] {
  const reached = properties.flatMap(({ name, depth }) =>
    depth === undefined ? [] : [{ name, depth }],
  )
  return [
    ...reached.sort((a, b) => a.depth - b.depth).map(({ name }) => name),
    ...hangs.map(({ who }) => `hang ${who}`),
    ...(livelock === undefined ? [] : ['livelock']),
  ]
}

/** The answer is about the scenario, kernel and rules that the page shows. */
export const isCurrent = ({ scenario, preset, setup }: Asked, opened: Opened): boolean =>
  scenario.name === opened.scenario.name &&
  preset === opened.preset &&
  JSON.stringify(setup) === JSON.stringify(opened.setup)

/**
 * Opens one of the schedules that the checker found as a branch of the timeline, with its step flagged.
 * Where the page shows something else by now, what was asked about is opened again.
 */
export function openSchedule(what: string, index: number): void {
  const { checking, opened: shown } = getState()
  const { asked, answer, examples } = checking ?? {}
  const example = examples?.[what]
  const schedule = example?.schedules[index]
  if (
    asked === undefined ||
    answer === undefined ||
    example === undefined ||
    schedule === undefined
  )
    return
  const opened = isCurrent(asked, shown) ? shown : openScenario(asked.scenario, asked.request)
  if (typeof opened === 'string') {
    setState({ notice: opened })
    return
  }
  const flag = { moment: example.begins + example.depth, says: saysOf(what, answer) }
  const name = index === 0 ? what : `${what} (${index + 1})`
  const { timeline } = opened
  // A livelock's schedule goes once round after that.
  const refused = timeline.add(name, schedule.choices, flag) ?? timeline.seek(flag.moment)
  show(opened, refused ?? noticeOf(what, example, flag, timeline))
}

/** What is seen where a schedule opens, and where that is. */
function noticeOf(
  what: string,
  { begins, depth }: Example,
  { moment, says }: Flag,
  timeline: Timeline<Kernel>,
): string {
  const since = timeline.standings().find(({ invariant }) => invariant.name === what)?.since
  if (depth === 0 && since !== undefined)
    return `${says} It is so from step ${since} on, before the threads are free: that is at step ${begins}.`
  const next = moment < timeline.length ? 'play on' : 'step back, or play from the start'
  return `${says} This is step ${moment}: ${next}.`
}

function saysOf(what: string, { properties, hangs }: Answer): Flag['says'] {
  const property = properties.find(({ name }) => name === what)
  if (property !== undefined)
    return `${property.kind === 'always' ? 'Broken' : 'Shown'} here: ${property.claim}`
  const hang = hangs.find(({ who }) => what === `hang ${who}`)
  if (hang !== undefined) return `From here on ${hang.who} can never finish.`
  return 'From here on the threads can go round for ever.'
}
