import type { Answer } from '../checker/check'
import { openSchedule } from '../store/checking'
import { promelaFile } from '../store/exports'
import type { Checking } from '../store/state'
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
  return (
    <div className="schedules">
      {where !== undefined && <p className="where">{where}</p>}
      {first !== undefined && (
        <span>
          <OpenSchedule {...first} />
          {isProperty(answer, what) && (
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
    </div>
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
