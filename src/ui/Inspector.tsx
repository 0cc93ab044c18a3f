import { citation } from '../machine'
import { select } from '../store/attention'
import { useOpened, usePinhole } from '../store/store'
import { declaredIn } from './declared-in'
import { describeTarget } from './describe'
import { EvidenceMark } from './EvidenceMark'
import { inspect } from './inspect'

/** The fields of the selected object, and where the kernel's source has the step that was last taken. */
export function Inspector() {
  const opened = useOpened()
  const selected = usePinhole((state) => state.selected)
  const { timeline } = opened
  const { kernel } = timeline
  const fields = selected === undefined ? [] : inspect(kernel, selected, timeline.changes())
  return (
    <section className="panel inspector" aria-labelledby="inspector-title">
      <h2 id="inspector-title">Inspector</h2>
      {selected === undefined ? (
        <p className="quiet">
          Click anything on the board: its fields are shown here, and what can be done with it.
        </p>
      ) : (
        <>
          <h3>{describeTarget(kernel, selected)}</h3>
          <p className="cite">{declaredIn(selected.kind)}</p>
        </>
      )}
      {selected !== undefined && fields.length === 0 && (
        <p className="quiet">There is no struct behind it any more: its memory map is gone.</p>
      )}
      {fields.length > 0 && (
        <table>
          <tbody>
            {fields.map(({ name, value, was, about, to }) => (
              <tr key={name} className={was === undefined ? '' : 'changed'}>
                <th scope="row">{name}</th>
                <td className="value">
                  {was !== undefined && <span className="was">{`${was} → `}</span>}
                  {to === undefined ? (
                    value
                  ) : (
                    <button type="button" className="link" onClick={() => select(to)}>
                      {describeTarget(kernel, to)}
                    </button>
                  )}
                </td>
                <td className="about">{about}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <Cited />
    </section>
  )
}

/** The operation of the last step: what it is in the kernel, and what is left out of it here. */
function Cited() {
  const opened = useOpened()
  const { moments, kernel } = opened.timeline
  const last = moments.at(-1)
  const operation = kernel.machine.operations.find(({ name }) => name === last?.operation)
  if (operation === undefined) return null
  const { source, leftOut } = operation
  return (
    <p className="cited">
      <span className="cite">{citation(source)}</span>
      {source.evidence !== undefined && <EvidenceMark evidence={source.evidence} />}
      {source.note !== undefined && <span className="quiet">{` ${source.note}`}</span>}
      <span className="quiet">{` Left out: ${leftOut}`}</span>
    </p>
  )
}
