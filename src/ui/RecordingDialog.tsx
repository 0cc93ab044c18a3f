import { useEffect, useState } from 'react'
import type { Compared } from '../formats/recording/compare'
import type { Replay, ReplayedStep } from '../formats/recording/replay'
import { Dialog } from './Dialog'
import { replayRecording } from './recordings'

interface RecordingProps {
  readonly file: string
  readonly onClose: () => void
}

/** What a real kernel printed, beside what the engine says at the same step. */
export function RecordingDialog({ file, onClose }: RecordingProps) {
  const [replayed, setReplayed] = useState<Replay | string>('Replaying the recording …')
  useEffect(() => {
    replayRecording(file).then(setReplayed, () =>
      setReplayed('The recording could not be loaded: try it again.'),
    )
  }, [file])
  return (
    <Dialog title="What the kernel printed" onClose={onClose} isWide>
      {typeof replayed === 'string' ? (
        <p aria-live="polite">{replayed}</p>
      ) : (
        <Recording replayed={replayed} />
      )}
    </Dialog>
  )
}

function Recording({ replayed }: { replayed: Replay }) {
  const { name, kernel, steps, compared, agreed, skipped } = replayed
  const groups = [...new Set(steps.map(({ step }) => step.group))]
  const first = steps.find((each) => each.compared !== undefined)
  return (
    <div className="recording">
      <p>
        <strong>{`${agreed} of ${compared} observed fields agree.`}</strong>
        {` ${name}, on Linux ${kernel} under QEMU: after each step of a script a module walked the page table and printed struct page. The engine took the same steps. Pages are compared by name, not by where they lie; ageing hints, offsets in log lines and process ids are not compared.`}
        {skipped > 0 &&
          ` ${skipped} records say only in words what was done: they are printed, not compared.`}
      </p>
      {groups.map((group) => (
        <section key={group} aria-label={group}>
          <h3>{group}</h3>
          {steps
            .filter(({ step }) => step.group === group)
            .map((each) => (
              <Step
                key={`${each.step.n} ${each.step.title}`}
                replayed={each}
                isOpen={each === first}
              />
            ))}
        </section>
      ))}
    </div>
  )
}

function Step({ replayed, isOpen }: { replayed: ReplayedStep; isOpen: boolean }) {
  const { step, compared } = replayed
  const wrong = compared?.filter(({ agrees }) => !agrees).length ?? 0
  const fields = compared ?? unread(step.see)
  const verdict =
    compared === undefined
      ? 'only printed'
      : wrong === 0
        ? `${compared.length} agree`
        : `${wrong} of ${compared.length} disagree`
  return (
    <details open={isOpen || wrong > 0}>
      <summary className={wrong > 0 ? 'broken' : ''}>
        <span className="sign" aria-hidden="true">
          {compared === undefined ? '·' : wrong === 0 ? '✓' : '✕'}
        </span>
        <span>{`${step.n} ${step.title}`}</span>
        <span className="quiet">{verdict}</span>
      </summary>
      {fields.length > 0 && <Fields fields={fields} isCompared={compared !== undefined} />}
    </details>
  )
}

/** What a record shows that was not replayed. */
const unread = (see: ReplayedStep['step']['see']): Compared[] =>
  Object.entries(see).map(([field, kernel]) => ({
    record: '',
    field,
    kernel,
    engine: null,
    agrees: true,
  }))

interface FieldsProps {
  readonly fields: readonly Compared[]
  readonly isCompared: boolean
}

function Fields({ fields, isCompared }: FieldsProps) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">field</th>
          <th scope="col">kernel</th>
          {isCompared && <th scope="col">engine</th>}
          {isCompared && <th scope="col">agreed?</th>}
        </tr>
      </thead>
      <tbody>
        {fields.map(({ field, kernel, engine, agrees }) => (
          <tr key={field} className={agrees ? '' : 'broken'}>
            <th scope="row">{field}</th>
            <td>{shown(kernel)}</td>
            {isCompared && <td>{engineText(field, engine)}</td>}
            {isCompared && <td>{agrees ? '✓ yes' : '✕ no'}</td>}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** The name of a page is the recording’s own; the engine has a pfn in its place. */
const engineText = (field: string, engine: unknown): string =>
  field.endsWith('.page') && typeof engine === 'number'
    ? `pfn 0x${engine.toString(16)}`
    : shown(engine)

function shown(value: unknown): string {
  if (value === null || value === undefined) return 'none'
  if (Array.isArray(value)) return value.map(shown).join(' ') || 'none'
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
