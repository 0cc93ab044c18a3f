import type { Answer } from '../checker/check'
import { openSchedule } from '../store/checking'
import { MOST_STATES, promelaCommand, promelaFile } from '../store/exports'
import type { Asked, Checking } from '../store/state'
import { counted, others, whereInSchedule } from './check-words'
import { SaveButton } from './SaveButton'

export interface AnswerProps {
  readonly checking: Checking
  readonly answer: Answer
  /** A schedule has been opened. */
  readonly onOpen: () => void
}

const isProperty = ({ properties }: Answer, what: string): boolean =>
  properties.some(({ name, kind }) => name === what && kind === 'always')

/** The shortest schedules to a thing, those with the fewest switches of threads first. */
export function CheckSchedules({ what, ...props }: AnswerProps & { what: string }) {
  const { checking, answer, onOpen } = props
  const example = checking.examples[what]
  if (example === undefined) return null
  const { asked } = checking
  const { schedules, count } = example
  const [first, ...more] = schedules.map(({ switches }, index) => ({
    what,
    index,
    switches,
    onOpen,
  }))
  const rest = count - schedules.length
  const where = whereInSchedule(example, asked)
  const isModelled = isProperty(answer, what)
  return (
    <div className="schedules">
      {where !== undefined && <p className="where">{where}</p>}
      {first !== undefined && (
        <span>
          <OpenSchedule {...first} />
          {isModelled && answer.states <= MOST_STATES && (
            <>
              {' · '}
              <SaveButton
                label="Save as Promela, for SPIN"
                className="link"
                make={() => promelaFile(asked.scenario, asked.request, what, asked.from)}
              />
            </>
          )}
        </span>
      )}
      {count > 1 && (
        <details>
          <summary>{others(example, answer)}</summary>
          <ol start={2}>
            {more.map((schedule) => (
              <li key={schedule.index}>
                <OpenSchedule {...schedule} />
              </li>
            ))}
          </ol>
          {rest > 0 && <p className="quiet">{`and ${counted(rest, 'schedule')} more`}</p>}
        </details>
      )}
      {isModelled && answer.states > MOST_STATES && <ForTheTerminal {...{ asked, answer, what }} />}
    </div>
  )
}

interface TerminalProps {
  readonly asked: Asked
  readonly answer: Answer
  readonly what: string
}

/** A model that is too large for the page; the terminal begins at the beginning, with what it has in its library. */
function ForTheTerminal({ asked, answer, what }: TerminalProps) {
  const isTheirs = asked.from === undefined && asked.scenario.family !== undefined
  const states = answer.isComplete && !answer.isReduced ? `${answer.states}` : 'N'
  return (
    <p className="where quiet">
      Its model in Promela is too large for the page
      {isTheirs ? ', and is for the terminal: ' : '.'}
      {isTheirs && <code>{promelaCommand(asked, what, states)}</code>}
    </p>
  )
}

interface OpenProps {
  readonly what: string
  readonly index: number
  readonly switches: number
  readonly onOpen: () => void
}

function OpenSchedule({ what, index, switches, onOpen }: OpenProps) {
  return (
    <>
      <button
        type="button"
        className="link"
        aria-label={`Open ${index === 0 ? 'the schedule' : `schedule ${index + 1}`} of ${what}`}
        onClick={() => {
          openSchedule(what, index)
          onOpen()
        }}
      >
        Open
      </button>
      {`, ${counted(switches, 'context switch')}`}
    </>
  )
}
