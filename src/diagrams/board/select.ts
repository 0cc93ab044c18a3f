import type { Change } from '../../arena'
import type { Kernel } from '../../linux/kernel'
import type { Finding } from '../../machine'
import { linkBoot, selectBoot } from '../boot/select'
import { linkOwner, selectOwner } from '../owner/select'
import { linkPageTable, selectPageTable } from '../page-table/select'
import { linkPages, selectPages } from '../pages/select'
import { selectPks } from '../pks/select'
import { sceneOf } from '../scene/scene'
import type { CardView, Link } from '../shared/cards'
import { type RangeView, selectWhere } from '../where/select'
import { linkWho, selectWho } from '../who/select'
import { withFindings } from './findings'
import type { Part, Topology } from './part'

/** A lane of the board, from who to where. */
export interface Lane {
  readonly name: string
  readonly cards: readonly CardView[]
}

export interface BoardView {
  readonly lanes: readonly Lane[]
  readonly ranges: readonly RangeView[]
  readonly links: readonly Link[]
  /** Ports and cards of CXL, where the machine has any. */
  readonly topology?: Topology
}

/** The part that has arrived, and the CXL address that the reader asks about. */
export interface Late {
  readonly part: Part
  readonly hpa: number | undefined
}

/** All that the board shows of a kernel at one moment. */
export function selectBoard(
  k: Kernel,
  changes: readonly Change[],
  findings: readonly Finding[],
  focus: number,
  late?: Late,
): BoardView {
  const scene = sceneOf(k)
  const told = (cards: readonly CardView[]) => withFindings(scene, cards, findings)
  const ranges = selectWhere(k, focus)
  if (k.boots.capacity > 0)
    return {
      lanes: selectBoot(k, changes).map(({ name, cards }) => ({ name, cards: told(cards) })),
      ranges,
      links: linkBoot(k),
    }
  const part = late?.part
  const topology = part?.topology(k, changes, late?.hpa)
  const who = [...selectWho(scene, changes), ...(part?.who(scene, changes) ?? [])]
  const owner = [...selectOwner(scene, changes), ...(part?.owner(scene, changes, findings) ?? [])]
  return {
    lanes: [
      { name: 'Who', cards: told(who) },
      {
        name: 'Page table',
        cards: [...selectPageTable(scene, changes, findings), ...selectPks(k, changes)],
      },
      { name: 'Pages', cards: told(selectPages(scene, changes)) },
      { name: 'Owner', cards: told(owner) },
    ],
    ranges,
    links: [
      ...linkWho(scene),
      ...linkPageTable(scene, findings),
      ...linkPages(scene),
      ...linkOwner(k),
      ...(part?.links(scene) ?? []),
    ],
    ...(topology === undefined ? {} : { topology }),
  }
}
