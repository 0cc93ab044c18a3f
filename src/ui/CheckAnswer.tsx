import { presets } from '../linux/presets'
import { isCurrent } from '../store/checking'
import type { Asked } from '../store/state'
import { useOpened, usePinhole } from '../store/store'
import { CheckProgress } from './CheckProgress'
import { CheckVerdicts } from './CheckVerdicts'
import { headline, signs } from './check-words'

/** What came of the search: one sentence first, then every property, then what was left out. */
export function CheckAnswer({ onOpen }: { onOpen: () => void }) {
  const checking = usePinhole((state) => state.checking)
  if (checking === undefined) return null
  const { answer, sentence } = checking
  return (
    <section className="answer" aria-label="Answer">
      <div aria-live="polite">
        {answer !== undefined && (
          <p className={`headline ${answer.verdict}`}>
            <span aria-hidden="true">{signs[answer.verdict]} </span>
            {headline(answer)}
          </p>
        )}
        {sentence !== undefined && <p>{sentence}</p>}
      </div>
      {answer !== undefined && <About asked={checking.asked} />}
      <CheckProgress />
      {answer !== undefined && (
        <>
          <CheckVerdicts checking={checking} answer={answer} onOpen={onOpen} />
          <LeftOut />
        </>
      )}
    </section>
  )
}

/** What was asked about: the answer says nothing of any other kernel or rule. */
function About({ asked }: { asked: Asked }) {
  const opened = useOpened()
  const { scenario, preset, setup, request, from, branch, wish } = asked
  const kernel = presets.find(({ name }) => name === preset)?.title ?? preset
  const chosen = Object.entries(request.policies ?? {}).map(([name, value]) => `${name}: ${value}`)
  const params = Object.entries(setup.params).map(
    ([name, value]) => `${scenario.params[name]?.title}: ${value}`,
  )
  const begins = from === undefined ? [] : [`from step ${from.moment} of ${branch}`]
  const some = wish.properties !== undefined ? ['chosen properties only'] : []
  return (
    <p className="quiet">
      {[scenario.title, kernel, ...chosen, ...params, ...begins, ...some].join(' · ')}
      {!isCurrent(asked, opened) && (
        <strong className="stale">
          {' The page shows something else by now, of which this answer says nothing.'}
        </strong>
      )}
    </p>
  )
}

/** What the answer stands on. */
function LeftOut() {
  return (
    <details>
      <summary>What this answer covers, and what it leaves out</summary>
      <ul>
        <li>
          Memory is sequentially consistent: what one thread has written, every other one sees. One
          step is one transition; nothing happens in the middle of it.
        </li>
        <li>
          Each thread makes the calls that were asked for, in their order, each as soon as it is
          idle and the call is possible, or later. Calls that nobody makes there are not tried.
        </li>
        <li>
          A thread hangs where no schedule at all leads to the end of its call. Hardware is trusted
          to be done some time; owners are not trusted to let go.
        </li>
        <li>
          A livelock is a circle in which no call begins or ends. A thread that can take a step all
          the way round takes one (weak fairness); which of a step’s choices is taken is free.
        </li>
      </ul>
    </details>
  )
}
