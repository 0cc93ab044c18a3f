import type { KeyboardEvent, ReactNode } from 'react'
import type { Target } from '../../machine'
import { ByteMark, byteWidth } from './ByteMark'
import {
  clipText,
  clipWords,
  PADDING,
  type PlacedCard,
  type PlacedCell,
  type PlacedRow,
  placeCells,
} from './card-layout'
import { cardText, rowText } from './cards'
import { RowMark } from './RowMark'

/** What a mark tells the board. */
export interface MarkHandlers {
  readonly onHover: (target: Target | undefined) => void
  readonly onPick: (target: Target, element: Element) => void
}

interface MarkProps extends MarkHandlers {
  readonly target: Target
  readonly label: string
  readonly className: string
  readonly children: ReactNode
}

/** Anything that can be hovered, focused and picked. A target of kind `none` is only drawn. */
export function Mark({ target, label, className, children, onHover, onPick }: MarkProps) {
  if (target.kind === 'none') return <g className={className}>{children}</g>
  const onKeyDown = (event: KeyboardEvent<SVGGElement>) => {
    if (event.key !== 'Enter' && event.key !== ' ') return
    event.preventDefault()
    event.stopPropagation()
    onPick(target, event.currentTarget)
  }
  return (
    // biome-ignore lint/a11y/useSemanticElements: SVG has no button element
    <g
      className={`mark ${className}`}
      role="button"
      tabIndex={0}
      aria-label={label}
      data-target={`${target.kind}:${target.id}:${target.key ?? ''}`}
      onMouseEnter={() => onHover(target)}
      onMouseLeave={() => onHover(undefined)}
      onFocus={() => onHover(target)}
      onBlur={() => onHover(undefined)}
      onKeyDown={onKeyDown}
      onClick={(event) => {
        event.stopPropagation()
        onPick(target, event.currentTarget)
      }}
    >
      {children}
    </g>
  )
}

interface CardProps extends MarkHandlers {
  readonly placed: PlacedCard
  /** Part of the lit chain, beside it, or no chain is lit. */
  readonly light: (target: Target) => string
}

/** A card: box, title, rows. */
export function CardMark({ placed, light, ...handlers }: CardProps) {
  const { card, x, y, width, height, rows } = placed
  const side = clipText(card.side, width * 0.45)
  const title = clipText(card.title, width - 2 * PADDING - side.length * 6.3 - 8, 7.2)
  return (
    <g transform={`translate(${x} ${y})`}>
      <Mark
        target={card.target}
        label={cardText(card)}
        className={`card tone-${card.tone} ${light(card.target)}`}
        {...handlers}
      >
        {card.above !== undefined && (
          <text className={`above ${card.target.kind}`} x={0} y={-8}>
            {clipText(card.above, width, 6.7)}
          </text>
        )}
        <rect className="box" width={width} height={height} rx={5} />
        {card.tone === 'gone' && <rect className="hatch" width={width} height={height} rx={5} />}
        <text className="title" x={PADDING} y={20}>
          {title}
        </text>
        <text className="side" x={width - PADDING} y={20} textAnchor="end">
          {side}
        </text>
        {rows.map((row) => (
          <RowMark key={row.y} placed={row} width={width} />
        ))}
      </Mark>
      {rows.map((row) => (
        <NestedMark key={row.y} placed={row} width={width} light={light} {...handlers} />
      ))}
    </g>
  )
}

interface NestedProps extends MarkHandlers {
  readonly placed: PlacedRow
  readonly width: number
  readonly light: (target: Target) => string
}

/** A mark of its own inside a card: an area inside its process. */
function NestedMark({ placed: { row, y }, width, light, ...handlers }: NestedProps) {
  if (row.kind === 'cells')
    return (
      <g transform={`translate(${PADDING} ${y})`}>
        {placeCells(row, width - 2 * PADDING).map((cell) => (
          <CellMark key={cell.cell.says} placed={cell} light={light} {...handlers} />
        ))}
      </g>
    )
  if (row.kind !== 'mark') return null
  const inner = width - 2 * PADDING
  const left = Math.max(28, 18 + row.title.length * 8)
  const subLeft = row.title.length > 4 ? 10 : left
  const chip = row.byte === undefined ? 0 : byteWidth(row.byte) + 8
  return (
    <g transform={`translate(${PADDING} ${y})`}>
      <Mark
        target={row.target}
        label={rowText(row)}
        className={`nested ${light(row.target)}`}
        {...handlers}
      >
        <rect className="box" width={inner} height={44} rx={4} />
        <text className="letter" x={10} y={19}>
          {row.title}
        </text>
        <text x={left} y={19}>
          {clipWords(row.value, inner - left - 4 - chip, 7.2)}
        </text>
        <text className="quiet" x={subLeft} y={35}>
          {clipText(row.sub, inner - subLeft - 8, 6.7)}
        </text>
        {row.byte !== undefined && <ByteMark byte={row.byte} right={inner - 7} y={6} />}
      </Mark>
    </g>
  )
}

interface CellProps extends MarkHandlers {
  readonly placed: PlacedCell
  readonly light: (target: Target) => string
}

/** A cell of a strip: filled or hollow, with its words. */
function CellMark({ placed: { cell, x, y, width, height }, light, ...handlers }: CellProps) {
  const { target, title, lines, on, tone, changed, says } = cell
  return (
    <g transform={`translate(${x} ${y})`}>
      <Mark
        target={target}
        label={says}
        className={`cell ${on ? 'on' : 'off'} tone-${tone} ${changed ? 'changed' : ''} ${light(target)}`}
        {...handlers}
      >
        <rect className="box" width={width} height={height} rx={3} />
        {[title, ...lines].map((line, i) => (
          <text
            key={line}
            className={i === 0 ? 'name' : 'state'}
            x={width / 2}
            y={14 + i * 12}
            textAnchor="middle"
          >
            {line}
          </text>
        ))}
      </Mark>
    </g>
  )
}
