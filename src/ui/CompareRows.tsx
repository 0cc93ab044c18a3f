import { Fragment, useState } from 'react'
import { changedField } from '../formats/traces/step-lines'
import type { Kernel } from '../linux/kernel'
import { type Did, isDid, type Row, type Side } from '../machine'
import type { TwoSetups } from '../store/compare'

type Letter = 'a' | 'b'

interface RowsProps extends TwoSetups {
  readonly onShow: (letter: Letter, moment: number) => void
}

/** Equal steps that are shown on either side of a difference. */
const CONTEXT = 2

/** Both sides step by step: what is equal is folded, and the first step that differs is marked. */
export function CompareRows({ a, b, start, rows, onShow }: RowsProps) {
  const first = rows.findIndex(({ isSame }) => !isSame)
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section className="compare two-sides" aria-label="Step by step" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">A</th>
            <th scope="col">B</th>
          </tr>
        </thead>
        <tbody>
          {start.length > 0 && <Mark says="Before the first step" />}
          {start.map(({ where, field, a: left, b: right }) => (
            <tr key={`${where}.${field}`} className="different">
              <td>
                <AtStart where={where} field={field} value={left} />
              </td>
              <td>
                <AtStart where={where} field={field} value={right} />
              </td>
            </tr>
          ))}
          {foldsOf(rows).map(({ from, to, isFolded }) => (
            <Fold key={from} isFolded={isFolded} count={to - from}>
              {rows.slice(from, to).map((row, i) => (
                <Fragment key={keyOf(row)}>
                  {from + i === first && <Mark says="The first step that differs" />}
                  <tr className={row.isSame ? 'quiet' : 'different'}>
                    <Cell side={row.a} other={row.b} kernel={a.kernel} letter="a" onShow={onShow} />
                    <Cell side={row.b} other={row.a} kernel={b.kernel} letter="b" onShow={onShow} />
                  </tr>
                </Fragment>
              ))}
            </Fold>
          ))}
        </tbody>
      </table>
    </section>
  )
}

const keyOf = ({ a, b }: Row): string =>
  [a, b].map((side) => (isDid(side) ? side.at : (side?.says ?? ''))).join('|')

const Mark = ({ says }: { says: string }) => (
  <tr className="mark">
    <th colSpan={2} scope="rowgroup">
      {says}
    </th>
  </tr>
)

const AtStart = ({ where, field, value }: { where: string; field: string; value: string }) => (
  <span className="changed own">{`${where}${field === '' ? '' : `.${field}`}: ${value}`}</span>
)

interface Span {
  readonly from: number
  readonly to: number
  readonly isFolded: boolean
}

/** Runs of rows that are shown, and runs of equal ones that are folded. */
function foldsOf(rows: readonly Row[]): Span[] {
  const isNear = rows.map((_, i) =>
    rows.slice(Math.max(0, i - CONTEXT), i + CONTEXT + 1).some(({ isSame }) => !isSame),
  )
  const spans: Span[] = []
  isNear.forEach((near, i) => {
    const last = spans.at(-1)
    if (last !== undefined && last.isFolded !== near)
      spans[spans.length - 1] = { ...last, to: i + 1 }
    else spans.push({ from: i, to: i + 1, isFolded: !near })
  })
  return spans
}

interface FoldProps {
  readonly isFolded: boolean
  readonly count: number
  readonly children: React.ReactNode
}

function Fold({ isFolded, count, children }: FoldProps) {
  const [isOpen, setOpen] = useState(!isFolded)
  if (isOpen) return children
  return (
    <tr className="fold">
      <td colSpan={2}>
        <button type="button" className="link" onClick={() => setOpen(true)}>
          {count === 1 ? 'one equal step' : `${count} equal steps`}
        </button>
      </td>
    </tr>
  )
}

interface CellProps {
  readonly side: Side | undefined
  readonly other: Side | undefined
  readonly kernel: Kernel
  readonly letter: Letter
  readonly onShow: RowsProps['onShow']
}

function Cell({ side, other, kernel, letter, onShow }: CellProps) {
  if (side === undefined)
    return (
      <td className="nothing">
        <span aria-hidden="true">·</span>
        <span className="visually-hidden">nothing</span>
      </td>
    )
  if (!isDid(side)) return <td className="passed">{`${side.who} passes it over: ${side.says}`}</td>
  const { moment, at, broken } = side
  const end = moment.returned === undefined ? '' : ` = ${moment.returned}`
  const theirs = new Set(isDid(other) ? fieldsOf(kernel, other) : [])
  return (
    <td>
      <button
        type="button"
        className="link step"
        onClick={() => onShow(letter, at)}
        title={moment.does}
      >
        <span className="at">{at}</span>
        {`${moment.who}: ${moment.fn}()${end}`}
      </button>
      {fieldsOf(kernel, side).map((text) => (
        <span key={text} className={theirs.has(text) ? 'changed' : 'changed own'}>
          {text}
        </span>
      ))}
      {broken.map((claim) => (
        <span key={claim} className="broken">{`✕ ${claim}`}</span>
      ))}
    </td>
  )
}

const fieldsOf = (k: Kernel, { changes }: Did): string[] =>
  changes.map((change) => {
    const { where, field, before, after } = changedField(k, change)
    return `${where}.${field}: ${before} → ${after}`
  })
