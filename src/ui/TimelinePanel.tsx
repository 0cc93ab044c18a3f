import { type PointerEvent, useMemo, useRef } from 'react'
import type { Flag, Moment } from '../machine'
import { chooseBranch, move, renameBranch, seek, togglePlay } from '../store/session'
import { useOpened, usePinhole } from '../store/store'
import { type LaneView, layoutTimeline } from './timeline-layout'

/** Every step as a tick in its lane, flags where a property broke, and a handle to travel with. */
export function TimelinePanel() {
  const opened = useOpened()
  const version = usePinhole((state) => state.version)
  const { timeline } = opened
  const seen = useSeenMoments()
  const lanes = useMemo(() => layoutTimeline(seen, timeline.length), [seen, timeline.length])
  // biome-ignore lint/correctness/useExhaustiveDependencies: version stands for the timeline's state
  const flags = useMemo(
    () =>
      timeline
        .standings()
        .flatMap(({ invariant, since }) =>
          invariant.kind === 'always' && since !== undefined
            ? [{ moment: since, says: `Broken here: ${invariant.claim}` }]
            : [],
        ),
    [timeline, version],
  )
  const { flag } = timeline.branch
  const isNew = flag !== undefined && flags.every(({ says }) => says !== flag.says)
  const last = timeline.moments.at(-1)
  return (
    <section className="timeline" aria-labelledby="timeline-title">
      <h2 id="timeline-title">Timeline</h2>
      <Controls />
      <Track lanes={lanes} flags={isNew ? [...flags, flag] : flags} />
      <p className="position">
        <span>{`step ${timeline.cursor} of ${timeline.length}`}</span>
        <Branches />
      </p>
      <p className="now" aria-live="polite">
        {last === undefined
          ? 'Nothing has happened yet: step, play, or click an object.'
          : `${last.who}: ${last.fn}() — ${last.does}`}
      </p>
    </section>
  )
}

function Controls() {
  const { timeline } = useOpened()
  const isPlaying = usePinhole((state) => state.isPlaying)
  return (
    <div className="controls">
      <button
        type="button"
        aria-label="Step back"
        onClick={() => move(-1)}
        disabled={timeline.cursor === 0}
      >
        ◂
      </button>
      <button
        type="button"
        aria-label={isPlaying ? 'Pause' : 'Play'}
        onClick={togglePlay}
        disabled={timeline.length === 0}
      >
        {isPlaying ? '❚❚' : '▶'}
      </button>
      <button
        type="button"
        aria-label="Step forward"
        onClick={() => move(1)}
        disabled={timeline.cursor >= timeline.length}
      >
        ▸
      </button>
    </div>
  )
}

/** What ran at each moment of the branch, as far as it has been played; later moments stay known. */
function useSeenMoments(): readonly (Moment | undefined)[] {
  const opened = useOpened()
  const version = usePinhole((state) => state.version)
  const memory = useRef<{ branch: unknown; moments: readonly (Moment | undefined)[] }>({
    branch: undefined,
    moments: [],
  })
  const { timeline } = opened
  // biome-ignore lint/correctness/useExhaustiveDependencies: version stands for the timeline's state
  return useMemo(() => {
    const { choices } = timeline.branch
    const known = memory.current.branch === choices ? memory.current.moments : opened.story
    const moments = choices.map((choice, i) => {
      const now = timeline.moments[i]
      const before = known[i]
      return now ?? (before?.choice === choice ? before : undefined)
    })
    memory.current = { branch: choices, moments }
    return moments
  }, [timeline, version])
}

interface TrackProps {
  readonly lanes: readonly LaneView[]
  readonly flags: readonly Flag[]
}

const LANE = 34
const part = (x: number): string => `${(x * 100).toFixed(3)}%`

function Track({ lanes, flags }: TrackProps) {
  const opened = useOpened()
  const { cursor, length } = opened.timeline
  const track = useRef<HTMLDivElement>(null)
  const travel = (event: PointerEvent<HTMLDivElement>) => {
    const box = track.current?.getBoundingClientRect()
    if (box === undefined || event.buttons === 0) return
    seek(Math.round(((event.clientX - box.left) / box.width) * length))
  }
  return (
    <div className="track-frame">
      <div className="lane-names" aria-hidden="true">
        {lanes.map(({ task, who }) => (
          <span key={task} style={{ height: LANE }}>
            {who}
          </span>
        ))}
      </div>
      <div
        className="track"
        ref={track}
        role="slider"
        tabIndex={0}
        aria-label="Moment"
        aria-valuemin={0}
        aria-valuemax={length}
        aria-valuenow={cursor}
        aria-valuetext={`step ${cursor} of ${length}`}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId)
          travel(event)
        }}
        onPointerMove={travel}
      >
        {lanes.map((lane) => (
          <TrackLane key={lane.task} lane={lane} cursor={cursor} />
        ))}
        {flags.map(({ moment, says }) => (
          <span
            key={says}
            className={moment > cursor ? 'flag ahead' : 'flag'}
            style={{ left: part(length === 0 ? 0 : moment / length) }}
            title={says}
          />
        ))}
        <span className="rail" />
        <span className="rail done" style={{ width: part(length === 0 ? 0 : cursor / length) }} />
        <span className="handle" style={{ left: part(length === 0 ? 0 : cursor / length) }} />
      </div>
    </div>
  )
}

function TrackLane({ lane, cursor }: { lane: LaneView; cursor: number }) {
  return (
    <div className="track-lane" style={{ height: LANE }}>
      {lane.ticks.map(({ moment, x, label, ended }) => (
        <span
          key={moment}
          className={`tick ${ended ? 'ended' : ''} ${moment > cursor ? 'ahead' : ''}`}
          style={{ left: part(x) }}
        >
          {label !== undefined && <em>{label}</em>}
        </span>
      ))}
    </div>
  )
}

function Branches() {
  const opened = useOpened()
  const { branches, branch } = opened.timeline
  if (branches.length === 1) return <span>{`branch ${branch.name}`}</span>
  return (
    <span className="branches">
      <label>
        {'branch '}
        <select value={branch.id} onChange={(event) => chooseBranch(Number(event.target.value))}>
          {branches.map(({ id, name, forkedAt }) => (
            <option key={id} value={id}>
              {id === branches[0]?.id ? name : `${name}, from step ${forkedAt}`}
            </option>
          ))}
        </select>
      </label>
      <input
        aria-label="Name of the branch"
        key={branch.id}
        defaultValue={branch.name}
        maxLength={40}
        onBlur={(event) => event.target.value !== branch.name && renameBranch(event.target.value)}
      />
    </span>
  )
}
