import { LABEL_LINE, PADDING } from './card-layout'
import type { LabelLine } from './cards'

interface LabelsProps {
  readonly title: string
  readonly lines: readonly LabelLine[]
  readonly y: number
  readonly width: number
}

/** Of the column of counts: what the largest needs, in pixels. */
const countWidth = (lines: readonly LabelLine[]): number =>
  Math.max(...lines.map(({ count }) => count.toLocaleString('en').length), 2) * 6.7 + 9

/** Who uses a page, by kind: always the same lines at the same places, those that count none quiet. */
export function LabelsMark({ title, lines, y, width }: LabelsProps) {
  const column = countWidth(lines)
  return (
    <g className="labels" transform={`translate(${PADDING} ${y})`}>
      <line className="rule" x1={0} x2={width} y1={0} y2={0} />
      <text className="caption" y={13}>
        {title}
      </text>
      <text className="caption" x={width} y={13} textAnchor="end">
        each counts as
      </text>
      {lines.map(({ name, count, where }, i) => (
        <g
          key={name}
          className={count === 0 ? 'none' : 'some'}
          transform={`translate(0 ${(i + 1) * LABEL_LINE})`}
        >
          <text className="number" x={column - 8} y={13} textAnchor="end">
            {count.toLocaleString('en')}
          </text>
          <text className="name" x={column} y={13}>
            {name}
          </text>
          <text className="caption" x={width} y={13} textAnchor="end">
            {where}
          </text>
        </g>
      ))}
    </g>
  )
}
