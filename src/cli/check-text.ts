import type { Limit, PropertyAnswer, Reduction } from '../checker/check'
import { hangReasons } from '../checker/verdict-text'
import type { Choice } from '../machine'
import { openScenario } from '../scenarios/open'
import { choicesOf, linkOf, progressKnown, type Result, rateOf } from './check-answer'
import { counted, say, UserError } from './output'
import { play, printStep, traceSteps } from './trace'

/** Prints an answer for a reader: the verdict, everything that was found, and a schedule. */
export function print(result: Result): void {
  const { question, answer, leftOut, begins, seconds, broken } = result
  const { states, transitions, depth } = answer
  say(headline(result))
  if (broken?.says !== undefined) say(`  What breaks it: ${broken.says.replace(/\.?$/, '.')}`)
  if (begins > 0)
    say(
      `  Steps are counted from where the threads are free, after the ${begins} that set the scene.`,
    )
  for (const property of answer.properties) say(propertyLine(property))
  printProgress(result)
  if (question.reduce !== undefined && leftOut.length === 0)
    say('  Nothing was left out: no threads are alike, or what was found needs every state.')
  const but = leftOut.map((each) => `, ${words[each]}`).join('')
  say(
    `${counted(states, 'state')}${but}${but === '' ? ',' : ';'} ${counted(transitions, 'transition')}, depth ${depth}; ${seconds.toFixed(3)} s, ${counted(rateOf(result), 'state')}/s`,
  )
  printExample(result)
}

const words: Readonly<Record<Reduction, string>> = {
  symmetry: 'threads that are alike taken for each other',
  localFirst: 'each thread’s own moves first',
}

const stops: Readonly<Record<Limit, string>> = {
  states: ' The search was stopped at the limit of states.',
  memory: ' The search was stopped at the limit of memory.',
  time: ' The search was stopped at the limit of time.',
  cancel: ' The search was interrupted.',
}

function headline({ answer, broken, begins }: Result): string {
  const { verdict, limit, hangs, livelock, transitions } = answer
  const stopped = limit === undefined ? '' : stops[limit]
  const after = (depth = 0) => afterText(depth, begins)
  switch (verdict) {
    case 'broken':
      return `broken ${after(broken?.depth)}: ${broken?.claim}${stopped}`
    case 'hang':
      return `hang: ${hangs[0]?.who} can come to wait for ever, ${after(hangs[0]?.depth)}.`
    case 'livelock':
      return `livelock: ${livelock?.who.join(', ')} can go round for ever, ${after(livelock?.depth)}.`
    case 'holds':
      return transitions === 0
        ? 'holds: there is nothing to interleave, since no thread has anything to do.'
        : 'holds: every interleaving was explored.'
    case 'limit':
      return `limit: nothing is broken so far, and nothing is proved.${stopped}`
    default:
      return verdict satisfies never
  }
}

function afterText(depth: number, begins: number): string {
  if (begins === 0) return depth === 0 ? 'from the start' : `after ${counted(depth, 'step')}`
  if (depth === 0) return `before the threads are free, in the ${begins} steps that set the scene`
  return `${counted(depth, 'step')} after the ${begins} that set the scene`
}

function propertyLine({ name, verdict, depth, claim }: PropertyAnswer): string {
  const word = verdict === 'notApplicable' ? 'not applicable' : verdict
  return `  ${name.padEnd(26)} ${(depth === undefined ? word : `${word} @${depth}`).padEnd(14)} ${claim}`
}

/** Hangs and livelocks, with how soon they come, or why nothing is known of them. */
function printProgress(result: Result): void {
  const { answer } = result
  const { hangs, livelock, limit } = answer
  for (const { who, depth, because, chain } of hangs) {
    say(`  ${who} can hang @${depth}: ${hangReasons[because]}.`)
    for (const link of chain) {
      const by = link.for.length === 0 ? '' : ` -> ${link.for.join(', ')}`
      say(`    ${link.who} (${link.state}): ${link.reason}${by}`)
    }
  }
  if (livelock !== undefined) {
    const round = counted(livelock.round, 'step')
    say(
      `  livelock @${livelock.depth}: ${livelock.who.join(', ')} can go round for ever, in ${round}.`,
    )
  }
  const known = progressKnown(result)
  if (known === 'notAsked') say('  Hangs and livelocks were not asked for, but properties alone.')
  else if (known === 'open')
    say(
      `  Hangs and livelocks are not known: the search ${limit === undefined ? 'ended at what is broken; --all goes on' : 'was stopped'}.`,
    )
}

function printExample(result: Result): void {
  const { answer, what, example } = result
  const choices = choicesOf(result)
  if (what === undefined) return
  if (choices === undefined || example === undefined) {
    say(`\nNo schedule leads to ${what}${answer.isComplete ? '' : ', as far as was searched'}.`)
    return
  }
  const others = example.count === 1 ? '' : `, one of ${counted(example.count)} as short`
  const switches = counted(example.schedules[0]?.switches, 'context switch', 'es')
  say(`\nShortest schedule to ${what}, ${switches}${others}:`)
  printSchedule(result, choices)
  say(`\n${linkOf(result, choices)}`)
}

/** The steps of the schedule, with the one marked that it is about. */
function printSchedule(result: Result, choices: readonly Choice[]): void {
  const { scenario, question, example } = result
  const opened = openScenario(scenario, question)
  if (typeof opened === 'string') throw new UserError(opened)
  const { timeline } = opened
  timeline.load(choices)
  const { begins, depth } = example ?? { begins: 0, depth: 0 }
  const reached = begins + depth
  if (reached === 0) say(`    ^ ${markOf(result)}`)
  for (const step of traceSteps(timeline.kernel, play(timeline))) {
    printStep(step)
    if (step.step === reached) say(`    ^ ${markOf(result)}`)
    if (step.step === begins) say('      The scene is set; from here on the threads are free.')
  }
}

function markOf({ answer, what }: Result): string {
  if (what === 'livelock') return 'here the round begins'
  const property = answer.properties.find(({ name }) => name === what)
  return property === undefined
    ? `from here on ${what?.replace('hang ', '')} hangs`
    : `here ${what} is ${property.verdict}`
}
