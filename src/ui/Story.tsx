import { citation, type PolicyValue } from '../machine'
import type { Passage } from '../scenarios/open'
import type { OftenSaid } from '../scenarios/scenario'
import { seek } from '../store/session'
import { useOpened, usePinhole } from '../store/store'
import { EvidenceMark } from './EvidenceMark'
import { withStoryUpTo } from './with-story'

/** The text of this moment, above the board that it speaks of: the passage that is playing, or has just been. */
export function Story() {
  const opened = useOpened()
  const { passages, scenario, timeline } = opened
  const { cursor } = timeline
  const upTo = withStoryUpTo(opened)
  const index = passageAt(passages, cursor)
  const passage = cursor <= upTo ? passages[index] : undefined
  const done = passage !== undefined && cursor >= passage.to
  const onward = done ? passages[index + 1] : passage
  // Before anything has happened the question stands here; what came of it would give it away.
  const told = cursor === 0 ? undefined : passage
  return (
    <section className="story" aria-labelledby="story-title">
      <h2 id="story-title">Story</h2>
      <div className="told">
        <h3>{told?.title ?? scenario.title}</h3>
        <p>
          {told?.text ?? scenario.question}
          {told?.evidence !== undefined && <EvidenceMark evidence={told.evidence} />}
        </p>
        {told?.oftenSaid !== undefined && <OftenSaidNote {...told.oftenSaid} />}
      </div>
      {onward !== undefined && onward.to <= upTo && (
        <button type="button" className="onward" onClick={() => seek(onward.to)}>
          {told !== undefined && !done
            ? 'Play this passage →'
            : `${done ? 'Next' : 'Play'}: ${onward.title} →`}
        </button>
      )}
      <Rules />
      <details>
        <summary>Simplified here</summary>
        <ul>
          {scenario.simplified.map((each) => (
            <li key={each}>{each}</li>
          ))}
        </ul>
      </details>
    </section>
  )
}

/** What a reader may have heard otherwise. */
function OftenSaidNote({ said, but }: OftenSaid) {
  return (
    <aside className="often-said" aria-label="Often said, and not so">
      <p>
        <strong>Often said:</strong> <q>{said}</q>
      </p>
      <p>{but}</p>
    </aside>
  )
}

/** The rules that make a difference here, as they are chosen, and how sure each of them is. */
function Rules() {
  const { scenario, setup } = useOpened()
  const policies = usePinhole((state) => state.policies)
  const rules = policies.filter(({ name }) => scenario.policies.includes(name))
  if (rules.length === 0) return null
  return (
    <details>
      <summary>Rules in force</summary>
      <ul>
        {rules.map(({ name, question, values }) => {
          const chosen: PolicyValue | undefined = Object.entries(values).find(
            ([value]) => value === setup.policies[name],
          )?.[1]
          return (
            <li key={name}>
              {`${question} ${chosen?.title ?? ''}. ${chosen?.says ?? ''} `}
              {chosen?.source !== undefined && (
                <span className="cite">{citation(chosen.source)}</span>
              )}
              {chosen?.source?.evidence !== undefined && (
                <EvidenceMark evidence={chosen.source.evidence} />
              )}
              {chosen?.source?.note !== undefined && ` ${chosen.source.note}`}
            </li>
          )
        })}
      </ul>
    </details>
  )
}

/** The passage that a moment belongs to: the first that is not yet over, or the one just over. */
function passageAt(passages: readonly Passage[], cursor: number): number {
  const current = passages.findIndex(({ to }) => cursor <= to)
  return current < 0 ? passages.length - 1 : current
}
