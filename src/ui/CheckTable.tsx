import { useEffect, useState } from 'react'
import { verdictText } from '../checker/verdict-text'
import type { Verdict } from '../checker/verdicts'
import { changeSetup } from '../store/session'
import { useOpened } from '../store/store'
import { counted, signs } from './check-words'

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
            <tr key={verdict.kernels[0]}>
              <th scope="row">
                {verdict.kernels.map((kernel) => (
                  <button
                    key={kernel}
                    type="button"
                    className="link"
                    onClick={(event) => {
                      changeSetup({ preset: kernel })
                      toTheTop(event.currentTarget)
                    }}
                  >
                    {kernel}
                  </button>
                ))}
              </th>
              <td>
                <Told verdict={verdict} />
              </td>
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

/** The sign and the word first, which alone have a colour: most rows would be red. */
function Told({ verdict }: { verdict: Verdict }) {
  const [word = ''] = verdictText(verdict).split(/(?=[:,])/)
  const rest = verdictText(verdict).slice(word.length)
  const { length } = verdict.notApplicable
  return (
    <>
      <strong className={verdict.verdict}>{`${signs[verdict.verdict]} ${word}`}</strong>
      {rest}
      {length > 0 && (
        <span className="quiet">{`; not applicable: ${counted(length, 'property')}`}</span>
      )}
    </>
  )
}

/** There it says which kernel it is now, and asks whether to search again. */
function toTheTop(element: Element): void {
  const dialog = element.closest('dialog')
  dialog?.querySelector<HTMLElement>('.dialog-buttons button')?.focus()
  dialog?.scrollTo({ top: 0 })
}
