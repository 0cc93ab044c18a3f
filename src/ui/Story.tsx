import type { Passage } from '../scenarios/open'
import { seek } from '../store/session'
import { useOpened } from '../store/store'

/** The text of this moment, above the board that it speaks of: the passage that is playing, or has just been. */
export function Story() {
  const opened = useOpened()
  const { passages, scenario, timeline } = opened
  const onStory = timeline.branch.id === timeline.branches[0]?.id && passages.length > 0
  const index = passageAt(passages, timeline.cursor)
  const passage = onStory ? passages[index] : undefined
  const next = onStory ? passages[index + 1] : undefined
  const done = passage !== undefined && timeline.cursor >= passage.to
  // Before anything has happened the question stands here; what came of it would give it away.
  const told = timeline.cursor === 0 ? undefined : passage
  return (
    <section className="story" aria-labelledby="story-title">
      <h2 id="story-title">Story</h2>
      <div className="told">
        <h3>{told?.title ?? scenario.title}</h3>
        <p>{told?.text ?? scenario.question}</p>
      </div>
      {passage !== undefined && !done && (
        <button type="button" className="onward" onClick={() => seek(passage.to)}>
          {told === undefined ? `Play: ${passage.title} →` : 'Play this passage →'}
        </button>
      )}
      {done && next !== undefined && (
        <button type="button" className="onward" onClick={() => seek(next.to)}>
          {`Next: ${next.title} →`}
        </button>
      )}
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

/** The passage that a moment belongs to: the first that is not yet over, or the one just over. */
function passageAt(passages: readonly Passage[], cursor: number): number {
  const current = passages.findIndex(({ to }) => cursor <= to)
  return current < 0 ? passages.length - 1 : current
}
