import { useMemo, useState } from 'react'
import { compareSchedule, diffText, type Setting, showSide, type TwoSetups } from '../store/compare'
import { useOpened } from '../store/store'
import { CompareRows } from './CompareRows'
import { toTheMoment } from './to-the-moment'

interface ScheduleProps {
  readonly a: Setting
  readonly b: Setting
  readonly onClose: () => void
}

/** The schedule that is open under two settings: how much differs, and where first. */
export function CompareSchedule({ a, b, onClose }: ScheduleProps) {
  const { choices } = useOpened().timeline.branch
  // biome-ignore lint/correctness/useExhaustiveDependencies: the schedule that is open is these choices
  const compared = useMemo(() => compareSchedule(a, b), [a, b, choices])
  if (typeof compared === 'string') return <p>{compared}</p>
  return (
    <>
      <Summary compared={compared} a={a} b={b} />
      <CompareRows
        {...compared}
        onShow={(letter, moment) => {
          showSide(letter === 'a' ? a : b, compared[letter], moment)
          toTheMoment(onClose)
        }}
      />
    </>
  )
}

interface SummaryProps {
  readonly compared: TwoSetups
  readonly a: Setting
  readonly b: Setting
}

function Summary({ compared, a, b }: SummaryProps) {
  const [copied, setCopied] = useState<TwoSetups>()
  const { start, rows } = compared
  const different = rows.filter(({ isSame }) => !isSame).length
  const isSame = different === 0 && start.length === 0
  const copy = async () => {
    await navigator.clipboard.writeText(diffText(a, b, compared)).catch(() => undefined)
    setCopied(compared)
  }
  return (
    <div className="compare-summary">
      <p aria-live="polite">
        {isSame
          ? `The same under both, for all ${rows.length} steps.`
          : `${different} of ${rows.length} steps differ.`}
      </p>
      {!isSame && (
        <button type="button" onClick={() => void copy()}>
          {copied === compared ? 'Copied' : 'Copy as unified diff'}
        </button>
      )}
    </div>
  )
}
