import { useMemo, useState } from 'react'
import { isDid } from '../machine'
import { type Apart, compareSchedule, type Setting } from '../store/compare'
import { CompareRows } from './CompareRows'

interface NearestProps {
  readonly letter: 'a' | 'b'
  readonly apart: Apart
  readonly a: Setting
  readonly b: Setting
  readonly onShow: (letter: 'a' | 'b', moment: number) => void
}

/** The nearest thing that one side alone can reach, and where its schedule parts from the other. */
export function Nearest({ letter, apart, onShow, ...settings }: NearestProps) {
  const { choices, isInMemory, first } = apart
  const name = letter.toUpperCase()
  const did = first && [first.a, first.b].find(isDid)
  const what = isInMemory ? 'content of memory' : 'place of a thread'
  const where =
    choices.length === 0
      ? 'is there before the first step'
      : `is ${choices.length} ${choices.length === 1 ? 'step' : 'steps'} away`
  return (
    <div className="nearest">
      <p>
        {`The nearest ${what} that only ${name} reaches ${where}.`}
        {did !== undefined && ` The sides part at step ${did.at}, ${did.moment.fn}().`}
      </p>
      {choices.length > 0 && (
        <button
          type="button"
          onClick={() => onShow(letter, choices.length)}
        >{`Open under ${name}`}</button>
      )}
      {first !== undefined && <WhereTheyPart {...{ choices, onShow, ...settings }} />}
    </div>
  )
}

interface PartProps extends Omit<NearestProps, 'letter' | 'apart'> {
  readonly choices: Apart['choices']
}

/** What that schedule does on either side, with what is equal folded. */
function WhereTheyPart({ choices, a, b, onShow }: PartProps) {
  const [isOpen, setOpen] = useState(false)
  const compared = useMemo(
    () => (isOpen ? compareSchedule(a, b, choices) : ''),
    [isOpen, a, b, choices],
  )
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>This schedule on either side</summary>
      {typeof compared === 'string' ? (
        <p>{compared}</p>
      ) : (
        <CompareRows {...compared} onShow={onShow} />
      )}
    </details>
  )
}
