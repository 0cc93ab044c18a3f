import type { Target } from '../../machine'
import type { CardView } from './cards'

const none = (id: number): Target => ({ kind: 'none', id })

/** Marks that stand for what is counted, not drawn: ribbons end at them as well. */
export const rest = {
  processes: none(1),
  entries: none(2),
  pages: none(3),
  threads: none(4),
  handles: none(5),
  slots: none(6),
} as const

/** A quiet card with a sentence. */
export const note = (target: Target, title: string, says: readonly string[] = []): CardView => ({
  target,
  title,
  side: '',
  tone: 'quiet',
  rows: says.map((value) => ({ kind: 'text', value, tone: 'quiet' })),
})
