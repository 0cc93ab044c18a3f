import { useEffect, useState } from 'react'
import { verdictText } from '../checker/verdict-text'
import type { Verdict } from '../checker/verdicts'
import { changeSetup } from '../store/session'
import { useOpened } from '../store/store'
import { counted } from './check-words'

type Verdicts = Readonly<Record<string, readonly Verdict[]>>

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
  const [table, setTable] = useState<Verdicts>({})
  useEffect(() => {
    import('../checker/verdict-table.json').then(
      ({ default: all }) => setTable(all as Verdicts),
      () => undefined,
    )
  }, [])
  return table[name] ?? []
}

const told = (verdict: Verdict): string =>
  `${verdictText(verdict)}; not applicable: ${counted(verdict.notApplicable.length, 'property')}`
