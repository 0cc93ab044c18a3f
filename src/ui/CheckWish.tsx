import type { Reduction } from '../checker/check'
import type { Wish } from '../store/state'
import { getState, useOpened } from '../store/store'
import { counted } from './check-words'

const STATES = [10_000, 100_000, 1_000_000, 5_000_000]
const TIMES = [
  [10, '10 seconds'],
  [60, '1 minute'],
  [600, '10 minutes'],
  [3600, '1 hour'],
] as const

/** What is asked if nothing is chosen: the story; where there is none, what the timeline calls. */
export const firstWish = (): Wish => ({
  isFromHere: getState().opened.scenario.story.length === 0,
  everything: false,
  maxStates: 1_000_000,
  maxSeconds: 600,
})

interface Props {
  readonly wish: Wish
  readonly onChange: (wish: Wish) => void
}

/** What is to be explored, which properties are asked of it, and where to stop. */
export function CheckWish({ wish, onChange, isDisabled }: Props & { isDisabled: boolean }) {
  return (
    <fieldset className="wish" disabled={isDisabled}>
      <legend className="quiet">
        Whose step comes next is tried in every way, and so is every choice that a step has.
      </legend>
      <Beginning wish={wish} onChange={onChange} />
      <Properties wish={wish} onChange={onChange} />
      <label>
        <input
          type="checkbox"
          checked={wish.everything === true}
          onChange={(event) => onChange({ ...wish, everything: event.target.checked })}
        />
        Go on to the last state, where one is broken already
      </label>
      <Reductions wish={wish} onChange={onChange} />
      <Limits wish={wish} onChange={onChange} />
    </fieldset>
  )
}

/** Where the threads are free, and what they call. */
const storyText = ({ freeFrom }: { readonly freeFrom?: string }): string =>
  freeFrom === undefined
    ? 'The whole story: each thread calls what it calls there, in its own order'
    : `The story from “${freeFrom}” on: each thread calls what it calls there, in its own order; what comes before is done as it is told`

function Beginning({ wish, onChange }: Props) {
  const { scenario, timeline } = useOpened()
  const { branch, cursor } = timeline
  const calls = branch.choices.slice(cursor).filter(({ kind }) => kind === 'start').length
  const hasStory = scenario.story.length > 0
  return (
    <>
      <label>
        <input
          type="radio"
          name="beginning"
          checked={!wish.isFromHere}
          disabled={!hasStory}
          onChange={() => onChange({ ...wish, isFromHere: false })}
        />
        {hasStory ? storyText(scenario) : 'The whole story: this scenario has none'}
      </label>
      <label>
        <input
          type="radio"
          name="beginning"
          checked={wish.isFromHere}
          onChange={() => onChange({ ...wish, isFromHere: true })}
        />
        {`From this moment, step ${cursor} of ${branch.name}: the threads go on, and ${
          calls === 0 ? 'begin nothing new' : `make the ${counted(calls, 'call')} that follow there`
        }`}
      </label>
    </>
  )
}

function Properties({ wish, onChange }: Props) {
  const { invariants } = useOpened().timeline.kernel
  const all = invariants.map(({ name }) => name)
  const { properties = all, ...rest } = wish
  const isAll = wish.properties === undefined
  const choose = (name: string, isChosen: boolean) => {
    const chosen = all.filter((each) => (each === name ? isChosen : properties.includes(each)))
    if (chosen.length === all.length) onChange(rest)
    else if (chosen.length > 0) onChange({ ...rest, properties: chosen })
  }
  return (
    <details>
      <summary>
        {isAll
          ? `${counted(all.length, 'property')}, hangs and livelocks`
          : `${properties.length} of ${counted(all.length, 'property')}; hangs and livelocks are looked for only with all of them`}
      </summary>
      <ul>
        {invariants.map(({ name, claim }) => (
          <li key={name}>
            <label>
              <input
                type="checkbox"
                checked={properties.includes(name)}
                onChange={(event) => choose(name, event.target.checked)}
              />
              {claim}
            </label>
          </li>
        ))}
      </ul>
    </details>
  )
}

/** What a search may leave out: where it then finds something, all is searched, so that lengths are true. */
function Reductions({ wish, onChange }: Props) {
  const { scenario, setup } = useOpened()
  const { reduce = [] } = wish
  const alike = scenario.identical?.(setup) ?? []
  const offered: readonly Reduction[] =
    alike.length > 0 ? ['symmetry', 'localFirst'] : ['localFirst']
  return offered.map((name) => (
    <div key={name}>
      <label>
        <input
          type="checkbox"
          aria-describedby={`${name}-says`}
          checked={reduce.includes(name)}
          onChange={({ target }) => {
            const others = reduce.filter((each) => each !== name)
            onChange({ ...wish, reduce: target.checked ? [...others, name] : others })
          }}
        />
        {reductionTexts[name].title}
      </label>
      <p className="quiet" id={`${name}-says`}>
        {reductionTexts[name].says}
      </p>
    </div>
  ))
}

const reductionTexts: Readonly<
  Record<Reduction, { readonly title: string; readonly says: string }>
> = {
  symmetry: {
    title: 'Take threads that are alike for each other',
    says: 'Of states that differ only in which of them is where, one is explored. The verdict is the same.',
  },
  localFirst: {
    title: 'Make a thread’s own business first',
    says: 'Where a step concerns nobody else, the orders in which others go before it are left out. The verdict is the same.',
  },
}

function Limits({ wish, onChange }: Props) {
  return (
    <p className="limits">
      {'Stop at '}
      <select
        aria-label="States"
        value={wish.maxStates}
        onChange={(event) => onChange({ ...wish, maxStates: Number(event.target.value) })}
      >
        {STATES.map((states) => (
          <option key={states} value={states}>
            {counted(states, 'state')}
          </option>
        ))}
      </select>
      {', after '}
      <select
        aria-label="Time"
        value={wish.maxSeconds}
        onChange={(event) => onChange({ ...wish, maxSeconds: Number(event.target.value) })}
      >
        {TIMES.map(([seconds, title]) => (
          <option key={seconds} value={seconds}>
            {title}
          </option>
        ))}
      </select>
      {', or at 1 GiB of memory'}
    </p>
  )
}
