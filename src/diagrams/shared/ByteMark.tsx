import { PADDING } from './card-layout'
import { type Byte, hexByte } from './cards'

/** Of a chip: the pattern of the byte’s bits, and the byte in hex. */
const CHIP = 56
const HEIGHT = 18
const DOT = 3
const STEP = 4.2

const valuesOf = ({ value, rest }: Byte): number[] => (rest === undefined ? [value] : [value, rest])

/** Width of the chips that show a byte. */
export const byteWidth = (byte: Byte): number => valuesOf(byte).length * (CHIP + 3) - 3

/** A byte as a chip: equal bytes are equal pictures, wherever they are drawn. */
export function ByteMark({ byte, right, y }: { byte: Byte; right: number; y: number }) {
  const isNew = byte.was !== undefined && byte.was !== byte.value
  return (
    <g className="bytes" transform={`translate(${right - byteWidth(byte)} ${y})`}>
      {valuesOf(byte).map((value, i) => (
        <g
          key={i === 0 ? 'first' : 'rest'}
          className={`byte ${i === 0 && isNew ? 'changed' : ''}`}
          transform={`translate(${i * (CHIP + 3)} 0)`}
        >
          <rect className="chip" width={CHIP} height={HEIGHT} rx={3} />
          <Pattern value={value} />
          <text x={CHIP - 5} y={13} textAnchor="end">
            {hexByte(value)}
          </text>
        </g>
      ))}
    </g>
  )
}

/** The eight bits, the high half above the low one. */
function Pattern({ value }: { value: number }) {
  return (
    <g transform="translate(5 5)">
      {[7, 6, 5, 4, 3, 2, 1, 0].map((bit) => (
        <rect
          key={bit}
          className={((value >> bit) & 1) === 1 ? 'on' : 'off'}
          x={((7 - bit) % 4) * STEP}
          y={bit > 3 ? 0 : STEP + 0.8}
          width={DOT}
          height={DOT}
        />
      ))}
    </g>
  )
}

interface RowProps {
  readonly label: string
  readonly byte: Byte
  readonly y: number
  readonly width: number
}

/** A line with a chip at its end, and what the byte was. */
export function ByteRow({ label, byte, y, width }: RowProps) {
  const isNew = byte.was !== undefined && byte.was !== byte.value
  return (
    <g>
      <text className="label" x={PADDING} y={y + 14}>
        {label}
      </text>
      {isNew && (
        <text
          className="caption"
          x={PADDING + width - byteWidth(byte) - 8}
          y={y + 14}
          textAnchor="end"
        >
          {`${hexByte(byte.was ?? 0)} →`}
        </text>
      )}
      <ByteMark byte={byte} right={PADDING + width} y={y} />
    </g>
  )
}
