import type { Change } from '../../arena'
import type { Kernel } from '../../linux/kernel'
import type { Finding } from '../../machine'
import { linkOwner, selectOwner } from '../owner/select'
import { linkPageTable, selectPageTable } from '../page-table/select'
import { linkPages, selectPages } from '../pages/select'
import { sceneOf } from '../scene/scene'
import type { CardView, Link } from '../shared/cards'
import { type RangeView, selectWhere } from '../where/select'
import { linkWho, selectWho } from '../who/select'
import { withFindings } from './findings'

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
  const scene = sceneOf(k)
  const told = (cards: readonly CardView[]) => withFindings(scene, cards, findings)
  return {
    lanes: [
      { name: 'Who', cards: told(selectWho(scene, changes)) },
      { name: 'Page table', cards: selectPageTable(scene, changes, findings) },
      { name: 'Pages', cards: told(selectPages(scene, changes)) },
      { name: 'Owner', cards: told(selectOwner(scene, changes)) },
    ],
    ranges: selectWhere(k, focus),
    links: [
      ...linkWho(scene),
      ...linkPageTable(scene, findings),
      ...linkPages(scene),
      ...linkOwner(k),
    ],
  }
}
