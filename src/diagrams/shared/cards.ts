import type { Target } from '../../machine'

/** What a colour means, everywhere: never the only sign, a word or a shape always says the same. */
export type Tone = 'plain' | 'quiet' | 'mapped' | 'pinned' | 'owned' | 'broken' | 'gone'

export interface BitCell {
  readonly name: string
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
    }

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
}

export const targetKey = ({ kind, id, key }: Target): string => `${kind}:${id}:${key ?? ''}`

/** A card as a sentence: its accessible name, and its line in the text twin. */
export function cardText({ title, side, rows, above }: CardView): string {
  const lines = rows.map(rowText).filter((line) => line !== '')
  return [above, title, side, ...lines]
    .filter((part) => part !== undefined && part !== '')
    .join('; ')
}

function rowText(row: Row): string {
  switch (row.kind) {
    case 'text':
      return `${row.label === undefined ? '' : `${row.label} `}${row.was === undefined ? '' : `${row.was} → `}${row.value}`
    case 'bits':
      return `bits ${
        row.bits
          .filter(({ on }) => on)
          .map(({ name }) => name)
          .join(' ') || 'none'
      }`
    case 'count':
      return `${row.label} ${row.was === undefined ? '' : `${row.was} → `}${row.value}`
    case 'pills':
      return `${row.label} ${row.pills
        .filter(({ on }) => on)
        .map(({ text }) => text)
        .join(', ')}`
    case 'bar':
      return row.segments.map(({ says }) => says).join(', ')
    case 'mark':
      return `${row.title}: ${row.value}, ${row.sub}`
    default:
      return row satisfies never
  }
}
