import type { Answer } from '../checker/check'
import { usePinhole } from '../store/store'
import { counted, figure, memory } from './check-words'

/** Seconds between two reports to a screen reader: the figures themselves change ten times a second. */
const TOLD_EVERY = 5

const places = {
  worker: 'in a worker',
  page: 'on the page itself, between two pictures',
} as const

/** What became of the wish to leave something out. */
const leftOut = ({ isReduced }: Answer): string =>
  isReduced
    ? '. Something was left out, as was wished: the figures are of what was explored.'
    : '. Something was found, and so all was explored, with nothing left out.'

/** How far the search is, and what it comes to in the end. */
export function CheckProgress() {
  const checking = usePinhole((state) => state.checking)
  if (checking === undefined) return null
  const { phase, progress, place, answer, asked } = checking
  const {
    states = 0,
    transitions = 0,
    depth = 0,
    bytes = 0,
    seconds = 0,
    helpers = 0,
  } = progress ?? {}
  const figures = [
    ['states', figure(states)],
    ['transitions', figure(transitions)],
    ['steps deep', figure(depth)],
    ['states a second', seconds === 0 ? '–' : figure(states / seconds)],
    ['seconds', seconds.toFixed(seconds < 10 ? 2 : 0)],
    ['of memory', memory(bytes)],
  ]
  return (
    <section className="progress" aria-label="Progress" aria-busy={answer === undefined}>
      <dl>
        {figures.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <p className="quiet">
        {phase === 'searching' && 'Searching '}
        {phase === 'judging' && 'Looking for hangs and livelocks '}
        {phase === 'answered' && 'Explored '}
        {place !== undefined && places[place]}
        {helpers > 0 && `, with ${helpers} more that share the states out among themselves`}
        {answer !== undefined && (asked.wish.reduce ?? []).length > 0 && leftOut(answer)}
      </p>
      <p className="visually-hidden" aria-live="polite">
        {phase === 'searching' && seconds >= TOLD_EVERY
          ? `${counted(states, 'state')} after ${Math.floor(seconds / TOLD_EVERY) * TOLD_EVERY} seconds`
          : ''}
      </p>
    </section>
  )
}
