import type { Target } from '../../machine'
import { Mark, type MarkHandlers } from '../shared/CardMark'
import { addressRange, size } from '../shared/format'
import { LINE, type PlacedRange, TEXT } from './layout'

interface WhereProps extends MarkHandlers {
  readonly ranges: readonly PlacedRange[]
  readonly light: (target: Target) => string
}

/** The iomem tree: a bar for each range, nested, its height by the logarithm of its size. */
export function WhereDiagram({ ranges, light, ...handlers }: WhereProps) {
  return (
    <g className="where">
      {ranges.map((placed, i) => (
        <RangeMark key={keyOf(placed, i)} placed={placed} light={light} {...handlers} />
      ))}
    </g>
  )
}

const keyOf = ({ range: { target } }: PlacedRange, i: number): string =>
  target.kind === 'none' ? `fold ${i}` : `${target.kind}:${target.id}`

interface RangeProps extends MarkHandlers {
  readonly placed: PlacedRange
  readonly light: (target: Target) => string
}

function RangeMark({ placed, light, ...handlers }: RangeProps) {
  const { range, x, y, width, height, barHeight, name, addresses } = placed
  const state = range.released ? 'released' : range.busy ? 'busy' : 'open'
  const says = range.released ? 'released: nobody owns this range' : range.busy ? 'claimed' : ''
  const label = `${range.name}, ${addressRange(range.start, range.end)}, ${size(range.end - range.start + 1)} ${says}`
  return (
    <g transform={`translate(${x} ${y})`}>
      {range.folded > 0 && (
        <text className="quiet" x={0} y={-6}>
          {`⋮ ${range.folded.toLocaleString('en')} more`}
        </text>
      )}
      {name.length > 0 && (
        <Mark
          target={range.target}
          label={label}
          className={`range ${state} ${light(range.target)}`}
          {...handlers}
        >
          <rect className="reach" x={0} y={0} width={width} height={height} />
          <rect className="box" width={12} height={barHeight} rx={2} />
          {[...name, ...addresses].map((line, i) => (
            <text
              key={line}
              className={i < name.length ? 'name' : 'value'}
              x={TEXT}
              y={12 + i * LINE}
            >
              {line}
            </text>
          ))}
        </Mark>
      )}
    </g>
  )
}
