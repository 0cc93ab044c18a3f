import { ByteRow } from './ByteMark'
import { CountMark } from './CountMark'
import { PADDING, type PlacedRow } from './card-layout'
import type { BitCell, Pill, Segment, Tone } from './cards'
import { LabelsMark } from './LabelsMark'

interface RowProps {
  readonly placed: PlacedRow
  readonly width: number
}

/** One row of a card. */
export function RowMark({ placed, width }: RowProps) {
  const { row, y } = placed
  const inner = width - 2 * PADDING
  switch (row.kind) {
    case 'text':
      return <TextRow placed={placed} width={width} />
    case 'bits':
      return <BitsRow bits={row.bits} y={y} width={inner} />
    case 'count':
      return <CountMark label={row.label} value={row.value} was={row.was} y={y} width={inner} />
    case 'pills':
      return <PillsRow label={row.label} pills={row.pills} y={y} width={inner} />
    case 'bar':
      return <BarRow segments={row.segments} total={row.total} y={y} width={inner} />
    case 'byte':
      return <ByteRow label={row.label} byte={row.byte} y={y} width={inner} />
    case 'labels':
      return <LabelsMark title={row.title} lines={row.lines} y={y} width={inner} />
    case 'mark':
    case 'cells':
      return null
    default:
      return row satisfies never
  }
}

function TextRow({ placed: { row, y, lines }, width }: RowProps) {
  if (row.kind !== 'text') return null
  const hasLabel = row.label !== undefined && row.label !== ''
  return (
    <g className={`text tone-${row.tone ?? 'plain'} ${row.was === undefined ? '' : 'changed'}`}>
      {hasLabel && (
        <text className="label" x={PADDING} y={y + 12}>
          {row.label}
        </text>
      )}
      {lines.map((line, i) => (
        <text
          className="value"
          key={line}
          x={hasLabel ? width - PADDING : PADDING}
          y={y + 12 + i * 17}
          textAnchor={hasLabel ? 'end' : 'start'}
        >
          {line}
        </text>
      ))}
    </g>
  )
}

const GAP = 2
/** Few bits do not fill the row. */
const WIDEST_CELL = 44

function BitsRow({ bits, y, width }: { bits: readonly BitCell[]; y: number; width: number }) {
  const cell = Math.min(WIDEST_CELL, (width + GAP) / bits.length - GAP)
  return (
    <g className="bits">
      {bits.map(({ name, says, on, changed }, i) => (
        <g
          key={name}
          className={`${on ? 'on' : 'off'} ${changed ? 'changed' : ''}`}
          transform={`translate(${PADDING + i * (cell + GAP)} ${y})`}
        >
          {says !== undefined && <title>{says}</title>}
          <rect width={cell} height={18} rx={2} />
          <text x={cell / 2} y={13} textAnchor="middle">
            {name}
          </text>
        </g>
      ))}
    </g>
  )
}

/** A pill that stands alone does not fill the row. */
const WIDEST_PILL = 130

interface PillsProps {
  readonly label: string
  readonly pills: readonly Pill[]
  readonly y: number
  readonly width: number
}

function PillsRow({ label, pills, y, width }: PillsProps) {
  const labelWidth = label.length * 6.62 + 8
  const pill = Math.min(WIDEST_PILL, (width - labelWidth) / pills.length)
  return (
    <g className="pills">
      <text className="label" x={PADDING} y={y + 13}>
        {label}
      </text>
      {pills.map(({ text, on, tone }, i) => (
        <g
          key={text}
          className={on ? `on tone-${tone}` : 'off'}
          transform={`translate(${PADDING + labelWidth + i * pill} ${y})`}
        >
          <rect width={pill - 3} height={18} rx={9} />
          <text x={(pill - 3) / 2} y={13} textAnchor="middle">
            {text}
          </text>
        </g>
      ))}
    </g>
  )
}

interface BarProps {
  readonly segments: readonly Segment[]
  readonly total: number
  readonly y: number
  readonly width: number
}

/** What a file owns is the ground that the rest lies on. */
const isGround = (tone: Tone): boolean => tone === 'owned'

/** Stretches to one scale; the least width keeps a single page visible. */
function BarRow({ segments, total, y, width }: BarProps) {
  return (
    <g className="bar" transform={`translate(${PADDING} ${y})`}>
      <rect className="ground" width={width} height={14} rx={2} />
      {segments.map(({ start, end, tone, says }) => (
        <rect
          key={`${says}:${start}`}
          className={`tone-${tone}`}
          x={(start / total) * width}
          y={isGround(tone) ? 0 : 6}
          width={Math.max(3, ((end - start) / total) * width)}
          height={isGround(tone) ? 14 : 8}
        >
          <title>{says}</title>
        </rect>
      ))}
    </g>
  )
}
