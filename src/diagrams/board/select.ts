import type { Change } from '../../arena'
import type { Kernel } from '../../linux/kernel'
import type { Finding } from '../../machine'
import { linkOwner, selectOwner } from '../owner/select'
import { linkPageTable, selectPageTable } from '../page-table/select'
import { linkPages, selectPages } from '../pages/select'
import type { CardView, Link } from '../shared/cards'
import { type RangeView, selectWhere } from '../where/select'
import { linkWho, selectWho } from '../who/select'

/** A lane of the board, from who to where. */
export interface Lane {
  readonly name: string
  readonly cards: readonly CardView[]
}

export interface BoardView {
  readonly lanes: readonly Lane[]
  readonly ranges: readonly RangeView[]
  readonly links: readonly Link[]
}

/** All that the board shows of a kernel at one moment. */
export function selectBoard(
  k: Kernel,
  changes: readonly Change[],
  findings: readonly Finding[],
  focus: number,
): BoardView {
  return {
    lanes: [
      { name: 'Who', cards: selectWho(k) },
      { name: 'Page table', cards: selectPageTable(k, changes, findings) },
      { name: 'Pages', cards: selectPages(k, changes) },
      { name: 'Owner', cards: selectOwner(k, changes) },
    ],
    ranges: selectWhere(k, focus),
    links: [...linkWho(k), ...linkPageTable(k, findings), ...linkPages(k), ...linkOwner(k)],
  }
}
