import type { CardView, Cell, Row } from './cards'

/** Where a card and its rows lie, in pixels. */
export interface PlacedCard {
  readonly card: CardView
  readonly x: number
  /** Top of the box; what is printed above it lies higher. */
  readonly y: number
  readonly width: number
  readonly height: number
  readonly rows: readonly PlacedRow[]
}

export interface PlacedRow {
  readonly row: Row
  readonly y: number
  readonly height: number
  /** A text row's lines, label first where it fits in front. */
  readonly lines: readonly string[]
}

export const PADDING = 12
const HEADER = 30
const ABOVE = 18
const GAP = 14
const LINE = 17
/** Between a line of text and a picture below it. */
const LEAD = 4
/** Width of a character of the board's text, in pixels: what wrapping reckons with. */
const CHARACTER = 7

const fixedHeights = { bits: 28, count: 44, pills: 26, bar: 24, mark: 52, byte: 27 } as const

/** A line of labels, and their heading. */
export const LABEL_LINE = 15

/** A cell where it lies in its row, in pixels. */
export interface PlacedCell {
  readonly cell: Cell
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

const CELL_GAP = 3
const CELL_LINE = 12

/** Cells beside each other, as many as fit, and the others below them. */
export function placeCells({ cells, least }: Row & { kind: 'cells' }, width: number): PlacedCell[] {
  const fit = Math.max(1, Math.floor((width + CELL_GAP) / (least + CELL_GAP)))
  const columns = Math.min(fit, cells.length)
  const cellWidth = (width + CELL_GAP) / columns - CELL_GAP
  const height = 8 + CELL_LINE * (1 + Math.max(...cells.map(({ lines }) => lines.length)))
  return cells.map((cell, i) => ({
    cell,
    x: (i % columns) * (cellWidth + CELL_GAP),
    y: Math.floor(i / columns) * (height + CELL_GAP),
    width: cellWidth,
    height,
  }))
}

function rowHeight(row: Row, lines: readonly string[], width: number): number {
  if (row.kind === 'text') return lines.length * LINE
  if (row.kind === 'cells') {
    const last = placeCells(row, width).at(-1)
    return last === undefined ? 0 : last.y + last.height + 6
  }
  if (row.kind === 'labels') return (row.lines.length + 1) * LABEL_LINE + 4
  return fixedHeights[row.kind]
}

/** Stacks cards in a column. Returns them placed, and the y below the last. */
export function stackCards(
  cards: readonly CardView[],
  x: number,
  top: number,
  width: number,
): { placed: PlacedCard[]; bottom: number } {
  let y = top
  const placed = cards.map((card) => {
    if (card.above !== undefined) y += ABOVE
    const one = placeCard(card, x, y, width)
    y += one.height + GAP
    return one
  })
  return { placed, bottom: y }
}

export function placeCard(card: CardView, x: number, y: number, width: number): PlacedCard {
  let at = HEADER
  const rows = card.rows.map((row, i) => {
    if (row.kind !== 'text' && card.rows[i - 1]?.kind === 'text') at += LEAD
    const inner = width - 2 * PADDING
    const lines = row.kind === 'text' ? textLines(row, inner) : []
    const height = rowHeight(row, lines, inner)
    const placed = { row, y: at, height, lines }
    at += height
    return placed
  })
  return { card, x, y, width, height: at + (rows.length === 0 ? 4 : 8), rows }
}

/** The lines of a text row; a label stands in front of the first if both fit. */
function textLines(row: Row & { kind: 'text' }, width: number): string[] {
  const before = row.was === undefined ? '' : `${row.was} → `
  const room = Math.floor(width / CHARACTER)
  const labelRoom = row.label === undefined || row.label === '' ? 0 : row.label.length + 2
  const value = `${before}${row.value}`
  return labelRoom + value.length <= room ? [value] : wrap(value, Math.max(12, room - labelRoom))
}

/** Breaks at blanks; a word that is longer than a line is cut. */
export function wrap(text: string, room: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const piece = word.length > room ? `${word.slice(0, room - 1)}…` : word
    if (line === '') line = piece
    else if (line.length + 1 + piece.length <= room) line += ` ${piece}`
    else {
      lines.push(line)
      line = piece
    }
  }
  return [...lines, line]
}

/** Leaves out the words that do not fit on one line: half a word says less than none. */
export const clipWords = (text: string, width: number, character = CHARACTER): string => {
  const room = Math.floor(width / character)
  return text.length <= room ? text : text.slice(0, Math.max(0, text.lastIndexOf(' ', room)))
}

/** Cuts a text that must stay on one line. */
export const clipText = (text: string, width: number, character = CHARACTER): string => {
  const room = Math.floor(width / character)
  return text.length <= room ? text : `${text.slice(0, Math.max(1, room - 1))}…`
}
