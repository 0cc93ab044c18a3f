import type { ReactNode } from 'react'
import type { Answer, HangAnswer, PropertyAnswer } from '../checker/check'
import { type AnswerProps, CheckSchedules } from './CheckSchedules'
import { counted, findingText, NOT_APPLICABLE, signs, verdictOf, whyItHangs } from './check-words'

/** Behind all that was reached. */
const FAR = Number.MAX_SAFE_INTEGER

/** Every property with its verdict, and what the schedules are that lead there. */
export function CheckVerdicts(props: AnswerProps) {
  const { properties } = props.answer
  const open = properties.filter(({ verdict }) => verdict === 'open')
  const vacuous = properties.filter(({ verdict }) => verdict === 'notApplicable')
  const known = properties
    .filter((each) => !open.includes(each) && !vacuous.includes(each))
    .sort((a, b) => (a.depth ?? FAR) - (b.depth ?? FAR))
  return (
    <>
      <table className="verdicts">
        <thead className="visually-hidden">
          <tr>
            <th scope="col">Property</th>
            <th scope="col">Verdict</th>
          </tr>
        </thead>
        <tbody>
          {known.map((property) => (
            <PropertyRow key={property.name} {...{ property, ...props }} />
          ))}
          <HangRow {...props} />
          <LivelockRow {...props} />
          {vacuous.map((property) => (
            <PropertyRow key={property.name} {...{ property, ...props }} />
          ))}
        </tbody>
      </table>
      {vacuous.length > 0 && <p className="quiet">{NOT_APPLICABLE}</p>}
      {open.length > 0 && (
        <details>
          <summary>{`${counted(open.length, 'property')} not decided, because the search ended before`}</summary>
          <ul>
            {open.map(({ name, claim }) => (
              <li key={name}>{claim}</li>
            ))}
          </ul>
        </details>
      )}
    </>
  )
}

interface RowProps {
  readonly sign: keyof typeof signs
  readonly claim: string
  readonly verdict: string
  readonly children?: ReactNode
}

function Row({ sign, claim, verdict, children }: RowProps) {
  return (
    <tr className={sign}>
      <th scope="row">
        <span className="sign" aria-hidden="true">
          {signs[sign]}
        </span>
        <span>{claim}</span>
        {children}
      </th>
      <td>{verdict}</td>
    </tr>
  )
}

function PropertyRow({ property, ...props }: AnswerProps & { property: PropertyAnswer }) {
  const { name, claim, verdict } = property
  const found = findingText(property)
  return (
    <Row sign={verdict} claim={claim} verdict={verdictOf(property)}>
      {found !== undefined && <div className="says">{found}</div>}
      <CheckSchedules what={name} {...props} />
    </Row>
  )
}

/** Hangs and livelocks are known only of a whole search that was asked for all. */
const undecided = ({ isComplete }: Answer): string => (isComplete ? 'not asked' : 'not decided')

function HangRow(props: AnswerProps) {
  const { answer, checking } = props
  const isKnown = answer.isComplete && checking.asked.wish.properties === undefined
  const [first] = answer.hangs
  const verdict =
    first !== undefined
      ? `hangs in ${counted(first.depth, 'step')}`
      : isKnown
        ? 'holds'
        : undecided(answer)
  return (
    <Row
      sign={first !== undefined ? 'hang' : isKnown ? 'holds' : 'open'}
      claim="Every thread can come to the end of its call."
      verdict={verdict}
    >
      {answer.hangs.map((hang) => (
        <Hang key={hang.who} hang={hang} {...props} />
      ))}
    </Row>
  )
}

function Hang({ hang, ...props }: AnswerProps & { hang: HangAnswer }) {
  return (
    <div className="says">
      {`${hang.who}, after ${counted(hang.depth, 'step')}: ${whyItHangs(hang)}.`}
      <ul className="chain" aria-label={`Who waits for whom where ${hang.who} hangs`}>
        {hang.chain.map(({ who, reason, state, for: holders }) => (
          <li key={`${who} ${reason}`}>
            <strong>{who}</strong>
            {` (${state}) ${reason}`}
            {holders.length > 0 && ` → ${holders.join(', ')}`}
          </li>
        ))}
      </ul>
      <CheckSchedules what={`hang ${hang.who}`} {...props} />
    </div>
  )
}

function LivelockRow(props: AnswerProps) {
  const { answer, checking } = props
  const { livelock } = answer
  const isKnown = answer.isComplete && checking.asked.wish.properties === undefined
  return (
    <Row
      sign={livelock !== undefined ? 'livelock' : isKnown ? 'holds' : 'open'}
      claim="No threads go round for ever without an end of any call."
      verdict={
        livelock !== undefined
          ? `a circle in ${counted(livelock.depth, 'step')}`
          : isKnown
            ? 'holds'
            : undecided(answer)
      }
    >
      {livelock !== undefined && (
        <div className="says">
          {`${livelock.who.join(' and ')}, in a round of ${counted(livelock.round, 'step')}.`}
          <CheckSchedules what="livelock" {...props} />
        </div>
      )}
    </Row>
  )
}
