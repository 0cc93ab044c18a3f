import { useEffect, useRef, useState } from 'react'
import type { Answer } from '../checker/check'
import type { VerdictPair } from '../checker/compare'
import {
  type Apart,
  compareSpaces,
  type Setting,
  type SpacesCompared,
  showSchedule,
} from '../store/compare'
import { Nearest } from './CompareNearest'
import { brokenOnes, counted, verdictOf as inWords } from './check-words'
import { toTheMoment } from './to-the-moment'

interface SpacesProps {
  readonly a: Setting
  readonly b: Setting
  readonly onClose: () => void
}

/** Milliseconds of searching between two moments at which the page can answer. */
const SLICE = 24

/** Every interleaving under both settings, when it is asked for: how many states, and what is only in one. */
export function CompareSpaces({ a, b, onClose }: SpacesProps) {
  const { progress, result, isRunning, begin, stop } = useSpaces(a, b)
  return (
    <section className="spaces" aria-label="Every interleaving">
      <div className="compare-summary">
        <p aria-live="polite">{progress}</p>
        {isRunning ? (
          <button type="button" onClick={stop}>
            Stop
          </button>
        ) : (
          <button type="button" onClick={begin}>
            Compare every interleaving
          </button>
        )}
      </div>
      {result !== undefined && (
        <Result
          {...{ result, a, b }}
          onShow={(letter, { choices }, moment) => {
            showSchedule(letter === 'a' ? a : b, choices, moment)
            toTheMoment(onClose)
          }}
        />
      )}
    </section>
  )
}

const INTRODUCTION = 'Every order in which the threads of the story can run, under both.'

/** Searches in slices, so that the page stays alive, until there is nothing left or the dialog is gone. */
function useSpaces(a: Setting, b: Setting) {
  const [progress, setProgress] = useState(INTRODUCTION)
  const [result, setResult] = useState<SpacesCompared>()
  const running = useRef<{ stop: () => void }>(undefined)
  const [isRunning, setRunning] = useState(false)
  useEffect(() => () => running.current?.stop(), [])
  const begin = () => {
    const comparison = compareSpaces(a, b)
    if (typeof comparison === 'string') {
      setProgress(comparison)
      return
    }
    setResult(undefined)
    setRunning(true)
    let timer = setTimeout(function next() {
      const end = performance.now() + SLICE
      const goesOn = comparison.advance(() => performance.now() >= end)
      const states = comparison.progress
      setProgress(`A ${counted(states.a, 'state')}, B ${counted(states.b, 'state')}`)
      if (goesOn) timer = setTimeout(next)
      else {
        setResult(comparison.result())
        setRunning(false)
      }
    })
    running.current = {
      stop: () => {
        clearTimeout(timer)
        setRunning(false)
        setProgress('Stopped: nothing is known.')
      },
    }
  }
  return { progress, result, isRunning, begin, stop: () => running.current?.stop() }
}

interface ResultProps {
  readonly result: SpacesCompared
  readonly a: Setting
  readonly b: Setting
  readonly onShow: (letter: 'a' | 'b', apart: Apart, moment: number) => void
}

function Result({ result, onShow, ...settings }: ResultProps) {
  const { a, b, both, leftOut, verdicts } = result
  const isSame = [a, b].every(({ only }) => only?.states === 0)
  return (
    <>
      <table className="spaces-table">
        <thead>
          <tr>
            <td />
            <th scope="col">A</th>
            <th scope="col">B</th>
          </tr>
        </thead>
        <tbody>
          <Line title="Verdict" a={verdictOf(a)} b={verdictOf(b)} />
          <Line title="States" a={number(a.all.states)} b={number(b.all.states)} />
          <Line title="Reached by both" a={number(both.states)} b={number(both.states)} />
          <Line title="Reached alone" a={number(a.only?.states)} b={number(b.only?.states)} />
          <Line title="Contents of memory alone" a={ofAll(a)} b={ofAll(b)} />
          {verdicts.map(({ name, ...pair }) => (
            <Line key={name} title={name} {...pair} isDifferent />
          ))}
          {foundInBoth(a.answer, b.answer).map(({ name, ...pair }) => (
            <Line key={name} title={name} {...pair} />
          ))}
          {leftOut.map(({ where, field, ...pair }) => (
            <Line key={`${where}.${field}`} title={`${where}.${field}, always`} {...pair} />
          ))}
        </tbody>
      </table>
      <p className="quiet">
        A state is the kernel’s memory, and where each thread stands in its call. States are
        compared exactly.
      </p>
      {isSame && <p>Both reach the same states.</p>}
      {(['a', 'b'] as const).map((letter) => {
        const { nearest } = result[letter]
        return nearest === undefined ? null : (
          <Nearest
            key={letter}
            letter={letter}
            apart={nearest}
            {...settings}
            onShow={(side, moment) => onShow(side, nearest, moment)}
          />
        )
      })}
    </>
  )
}

type SpaceSide = SpacesCompared['a']

const number = (count: number | undefined): string =>
  count === undefined ? 'not known' : count.toLocaleString('en')

const verdictOf = ({ answer }: SpaceSide): string =>
  answer.limit === undefined ? answer.verdict : `${answer.verdict}, stopped at a limit`

const ofAll = ({ only, all }: SpaceSide): string =>
  only === undefined ? 'not known' : `${number(only.memories)} of ${number(all.memories)}`

interface LineProps {
  readonly title: string
  readonly a: string
  readonly b: string
  readonly isDifferent?: boolean
}

const Line = ({ title, a, b, isDifferent = false }: LineProps) => (
  <tr className={isDifferent ? 'different' : ''}>
    <th scope="row">{title}</th>
    <td>{a}</td>
    <td>{b}</td>
  </tr>
)

/** What is found on both sides, with the steps to it: no difference of the verdicts. */
function foundInBoth(a: Answer, b: Answer): VerdictPair[] {
  const theirs = foundIn(b)
  return [...foundIn(a)].flatMap(([name, mine]) => {
    const other = theirs.get(name)
    return other === undefined ? [] : [{ name, a: mine, b: other }]
  })
}

const foundIn = (answer: Answer): Map<string, string> =>
  new Map([
    ...brokenOnes(answer).map((each) => [each.name, inWords(each)] as const),
    ...answer.hangs.map(
      ({ who, depth }) => [`hang ${who}`, `can hang in ${counted(depth, 'step')}`] as const,
    ),
  ])
