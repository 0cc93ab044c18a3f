import { useEffect, useState } from 'react'
import { policies } from '../linux/policies'
import type { Opened, Request } from '../scenarios/open'
import {
  headingOf,
  joined,
  KERNELS,
  type Outcome,
  outcomeOf,
  variantsOf,
} from '../scenarios/side-by-side'
import { changeSetup, ownPolicies } from '../store/session'
import { useOpened } from '../store/store'
import { Dialog } from './Dialog'
import { TwoSettings } from './TwoSettings'

const views = {
  stories: 'Stories',
  schedule: 'This schedule',
  spaces: 'Every interleaving',
} as const

type View = keyof typeof views

/** The story under every value of a rule, or one schedule, or every one, under two settings. */
export function CompareDialog({ onClose }: { onClose: () => void }) {
  const { scenario } = useOpened()
  const [view, setView] = useState<View>(scenario.story.length > 0 ? 'stories' : 'schedule')
  return (
    <Dialog title="Side by side" onClose={onClose} isWide>
      <div className="views" role="tablist" aria-label="What is compared">
        {(Object.keys(views) as View[]).map((name) => (
          <button
            key={name}
            type="button"
            role="tab"
            aria-selected={view === name}
            onClick={() => setView(name)}
          >
            {views[name]}
          </button>
        ))}
      </div>
      {view === 'stories' ? (
        <Stories onClose={onClose} />
      ) : (
        <TwoSettings view={view} onClose={onClose} />
      )}
    </Dialog>
  )
}

/** The story of this scenario under every value of one rule, or under every kernel, side by side. */
function Stories({ onClose }: { onClose: () => void }) {
  const opened = useOpened()
  const { scenario } = opened
  const [axis, setAxis] = useState(scenario.policies[0] ?? KERNELS)
  const outcomes = useOutcomes(opened, axis)
  const axes = policies.filter(({ name }) => scenario.policies.includes(name))
  return (
    <>
      <label className="field">
        Compare
        <select value={axis} onChange={(event) => setAxis(event.target.value)}>
          {axes.map(({ name, question }) => (
            <option key={name} value={name}>
              {question}
            </option>
          ))}
          <option value={KERNELS}>Kernels</option>
        </select>
      </label>
      {scenario.story.length === 0 ? (
        <p>This scenario has no story to compare: it is for trying things out.</p>
      ) : (
        <Table
          titles={scenario.story.map(({ title }) => title)}
          outcomes={outcomes}
          onChoose={({ under: [variant] }) => {
            if (variant === undefined) return
            changeSetup(variant.request)
            onClose()
          }}
        />
      )}
    </>
  )
}

/** Columns come one by one: a story may take a second, and the page stays alive meanwhile. */
function useOutcomes(opened: Opened, axis: string): readonly Outcome[] {
  const [outcomes, setOutcomes] = useState<readonly Outcome[]>([])
  useEffect(() => {
    const { scenario, preset, setup } = opened
    const chosen: Request = { preset, policies: ownPolicies(opened), params: setup.params }
    const rest = variantsOf(axis, chosen)
    setOutcomes([])
    let timer = setTimeout(function next() {
      const variant = rest.shift()
      if (variant === undefined || scenario.story.length === 0) return
      const outcome = outcomeOf(scenario, variant)
      if (typeof outcome !== 'string') setOutcomes((known) => joined(known, outcome))
      timer = setTimeout(next)
    })
    return () => clearTimeout(timer)
  }, [opened, axis])
  return outcomes
}

interface TableProps {
  readonly titles: readonly string[]
  readonly outcomes: readonly Outcome[]
  readonly onChoose: (outcome: Outcome) => void
}

function Table({ titles, outcomes, onChoose }: TableProps) {
  const told = titles.filter((title) => outcomes.some((outcome) => title in outcome.told))
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section className="compare" aria-label="Stories side by side" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <td />
            {outcomes.map((outcome) => (
              <th key={headingOf(outcome)} scope="col">
                <button type="button" className="link" onClick={() => onChoose(outcome)}>
                  {headingOf(outcome)}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {told.map((title) => (
            <tr key={title}>
              <th scope="row">{title}</th>
              {outcomes.map((outcome, i) => (
                <Cell
                  key={headingOf(outcome)}
                  text={outcome.told[title]}
                  left={outcomes[i - 1]?.told[title]}
                />
              ))}
            </tr>
          ))}
          <tr>
            <th scope="row">Broken</th>
            {outcomes.map((outcome) => (
              <td key={headingOf(outcome)} className={outcome.broken.length > 0 ? 'broken' : ''}>
                {outcome.broken.length === 0 ? 'nothing' : outcome.broken.join(' ')}
              </td>
            ))}
          </tr>
        </tbody>
      </table>
    </section>
  )
}

/** What is told again is folded: a difference is what a reader looks for. */
function Cell({ text, left }: { text: string | undefined; left: string | undefined }) {
  if (text === undefined) return <td className="quiet">nothing happens</td>
  return text === left ? <td className="quiet">the same</td> : <td>{text}</td>
}
