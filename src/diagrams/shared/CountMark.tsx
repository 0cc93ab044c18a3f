import { PADDING } from './card-layout'

interface CountProps {
  readonly label: string
  readonly value: number
  readonly was: number | undefined
  readonly y: number
  /** Of the 32 cells together. */
  readonly width: number
}

const BITS = Array.from({ length: 32 }, (_, i) => 31 - i)

/** Which count a bit of `_refcount` belongs to: the sign, 21 bits of pins, 10 bits of plain references. */
const partOf = (bit: number): string => (bit === 31 ? 'sign' : bit >= 10 ? 'pins' : 'plain')

const pinsText = (pins: number): string => (pins === 1 ? '1 pin' : `${pins} pins`)

/** `_refcount` as its 32 bits, the value beside its name, and what it is made of. */
export function CountMark({ label, value, was, y, width }: CountProps) {
  const gaps = 2 * 4
  const cell = (width - gaps) / 32
  const changed = was !== undefined && was !== value
  const isSet = (of: number, bit: number) => ((of >>> bit) & 1) === 1
  const offset = (bit: number) => (bit === 31 ? 0 : bit >= 10 ? 4 : 8)
  return (
    <g className="count" transform={`translate(${PADDING} ${y})`}>
      <text className="label" y={12}>
        {label}
      </text>
      <text className={`number ${changed ? 'changed' : ''}`} x={width} y={12} textAnchor="end">
        {changed ? `${was} → ${value}` : value}
      </text>
      {BITS.map((bit, i) => (
        <rect
          key={bit}
          className={`${partOf(bit)} ${isSet(value, bit) ? 'on' : 'off'} ${
            changed && isSet(value, bit) !== isSet(was, bit) ? 'changed' : ''
          }`}
          x={i * cell + offset(bit)}
          y={18}
          width={Math.max(1, cell - 1)}
          height={11}
        />
      ))}
      <text className="caption" x={4 + cell} y={40}>
        {pinsText((value >>> 10) & 0x1fffff)}
      </text>
      <text className="caption" x={width} y={40} textAnchor="end">
        {`${value & 0x3ff} plain`}
      </text>
    </g>
  )
}
