import type { Target } from '../../machine'

/** What a colour means, everywhere: never the only sign, a word or a shape always says the same. */
export type Tone =
  | 'plain'
  | 'quiet'
  | 'mapped'
  | 'pinned'
  | 'owned'
  | 'broken'
  | 'poisoned'
  | 'gone'

export interface BitCell {
  readonly name: string
  /** The name in full, where `name` is a short one. */
  readonly says?: string
  readonly on: boolean
  /** Changed by the last step. */
  readonly changed: boolean
}

export interface Pill {
  readonly text: string
  readonly on: boolean
  readonly tone: Tone
}

/** A stretch of a bar, in the bar's own units. */
export interface Segment {
  readonly start: number
  readonly end: number
  readonly tone: Tone
  readonly says: string
}

/** What somebody finds in a page: its first byte, and one behind the first sector if that differs. */
export interface Byte {
  readonly value: number
  readonly rest?: number
  /** Before the last step, if that changed it. */
  readonly was?: number
}

/** How many users of a kind a page has, and what each adds to which counter. */
export interface LabelLine {
  readonly name: string
  readonly count: number
  readonly where: string
}

/** A small mark of a strip inside a card: a decoder, a memory block, a stripe of an interleave set. */
export interface Cell {
  readonly target: Target
  readonly title: string
  /** Printed below the title, one short line each. */
  readonly lines: readonly string[]
  /** Filled; otherwise hollow, with a dashed edge. */
  readonly on: boolean
  readonly tone: Tone
  /** Changed by the last step. */
  readonly changed: boolean
  /** All of it in words. */
  readonly says: string
}

/** A line of a card. */
export type Row =
  | {
      readonly kind: 'text'
      readonly label?: string
      readonly value: string
      readonly tone?: Tone
      readonly was?: string
    }
  | { readonly kind: 'bits'; readonly bits: readonly BitCell[] }
  | {
      readonly kind: 'count'
      readonly label: string
      readonly value: number
      readonly was?: number
    }
  | { readonly kind: 'pills'; readonly label: string; readonly pills: readonly Pill[] }
  | { readonly kind: 'bar'; readonly total: number; readonly segments: readonly Segment[] }
  | {
      readonly kind: 'mark'
      readonly target: Target
      readonly title: string
      readonly value: string
      readonly sub: string
      readonly byte?: Byte
    }
  | { readonly kind: 'byte'; readonly label: string; readonly byte: Byte }
  | {
      readonly kind: 'cells'
      /** Pixels that a cell needs: as many stand beside each other as there is room for. */
      readonly least: number
      readonly cells: readonly Cell[]
    }
  | { readonly kind: 'labels'; readonly title: string; readonly lines: readonly LabelLine[] }

/** An object of the kernel as the board draws it. */
export interface CardView {
  readonly target: Target
  /** Printed above the card, where it belongs to a group: the way through the page table, say. */
  readonly above?: string
  readonly title: string
  readonly side: string
  readonly tone: Tone
  readonly rows: readonly Row[]
}

/** A ribbon between two objects. */
export interface Link {
  readonly from: Target
  readonly to: Target
  readonly tone: Tone
  /** Part of the chain of a mark, and not drawn. */
  readonly isSilent?: true
}

export const targetKey = ({ kind, id, key }: Target): string => `${kind}:${id}:${key ?? ''}`

/** A card as a sentence: its accessible name, and its line in the text twin. */
export function cardText({ title, side, rows, above }: CardView): string {
  const lines = rows.map(rowText).filter((line) => line !== '')
  return [above, title, side, ...lines]
    .filter((part) => part !== undefined && part !== '')
    .join('; ')
}

export const hexByte = (value: number): string => `0x${value.toString(16).padStart(2, '0')}`

/** `0x22`, or `0x50 → 0x22`, or `0x22, then 0x50` where the rest of the page differs. */
export const byteText = ({ value, rest, was }: Byte): string =>
  `${was === undefined ? '' : `${hexByte(was)} → `}${hexByte(value)}${rest === undefined ? '' : `, then ${hexByte(rest)}`}`

export function rowText(row: Row): string {
  switch (row.kind) {
    case 'text':
      return `${row.label === undefined ? '' : `${row.label} `}${row.was === undefined ? '' : `${row.was} → `}${row.value}`
    case 'bits':
      return `bits ${
        row.bits
          .filter(({ on }) => on)
          .map(({ name, says }) => says ?? name)
          .join(' ') || 'none'
      }`
    case 'count':
      return `${row.label} ${row.was === undefined ? '' : `${row.was} → `}${row.value}`
    case 'pills':
      return `${row.label === '' ? '' : `${row.label} `}${row.pills
        .filter(({ on }) => on)
        .map(({ text }) => text)
        .join(', ')}`
    case 'bar':
      return row.segments.map(({ says }) => says).join(', ')
    case 'mark':
      return `${row.title}: ${row.value}, ${row.sub}${row.byte === undefined ? '' : `, reads ${byteText(row.byte)}`}`
    case 'byte':
      return `${row.label} ${byteText(row.byte)}`
    case 'cells':
      return row.cells.map(({ says }) => says).join(', ')
    case 'labels':
      return `${row.title}: ${
        row.lines
          .filter(({ count }) => count > 0)
          .map(({ name, count, where }) => `${count} ${name} (${where})`)
          .join(', ') || 'nobody'
      }`
    default:
      return row satisfies never
  }
}
