import { useEffect, useState } from 'react'
import { changeSetup } from '../store/session'
import { useOpened } from '../store/store'
import { counted } from './check-words'

type Table = typeof import('../checker/verdict-table.json')
type Verdict = Table[keyof Table][number]

/** What the checker says of the scenario under every kernel, as it was computed when the page was tested. */
export function CheckTable() {
  const { scenario } = useOpened()
  const verdicts = useVerdicts(scenario.name)
  if (verdicts.length === 0) return null
  return (
    <details className="kernels">
      <summary>Under every kernel</summary>
      <table>
        <thead>
          <tr>
            <th scope="col">Kernels</th>
            <th scope="col">Verdict, with the steps of a shortest schedule</th>
            <th scope="col">States</th>
          </tr>
        </thead>
        <tbody>
          {verdicts.map((verdict) => (
            <tr key={verdict.kernels[0]} className={verdict.verdict}>
              <th scope="row">
                {verdict.kernels.map((kernel) => (
                  <button
                    key={kernel}
                    type="button"
                    className="link"
                    onClick={() => changeSetup({ preset: kernel })}
                  >
                    {kernel}
                  </button>
                ))}
              </th>
              <td>{told(verdict)}</td>
              <td className="number">
                {`${verdict.isComplete ? '' : '> '}${verdict.states.toLocaleString('en')}`}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="quiet">
        Properties that are not named hold, or come upon nothing of what they speak of. Every number
        is searched for again whenever Pinhole is tested.
      </p>
    </details>
  )
}

function useVerdicts(name: string): readonly Verdict[] {
  const [table, setTable] = useState<Readonly<Record<string, readonly Verdict[]>>>({})
  useEffect(() => {
    import('../checker/verdict-table.json').then(
      ({ default: all }) => setTable(all as Readonly<Record<string, readonly Verdict[]>>),
      () => undefined,
    )
  }, [])
  return table[name] ?? []
}

const words = {
  holds: 'holds',
  broken: 'broken',
  hang: 'can hang',
  livelock: 'can go round for ever',
  limit: 'stopped at the limit',
} as const

/** `broken: noStalePte 19; not applicable: 6 properties`. */
function told({ verdict, broken, hangs, livelock, notApplicable }: Verdict): string {
  const word = words[verdict as keyof typeof words]
  const found = [
    ...Object.entries(broken).map(([name, depth]) => `${name} ${depth}`),
    ...Object.entries(hangs).map(([who, depth]) => `${who} hangs ${depth}`),
    ...(livelock === null ? [] : [`livelock ${livelock}`]),
  ]
  const vacuous = `not applicable: ${counted(notApplicable.length, 'property')}`
  return [found.length === 0 ? word : `${word}: ${found.join(', ')}`, vacuous].join('; ')
}
