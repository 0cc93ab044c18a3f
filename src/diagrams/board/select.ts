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
import type { Lane, Part, Topology } from './part'

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
  const part = late?.part
  const other = part?.other(k, changes)
  if (other !== undefined) {
    const { lanes, links } = other
    return { lanes: lanes.map(({ name, cards }) => ({ name, cards: told(cards) })), ranges, links }
  }
  const topology = part?.topology(k, changes, late?.hpa)
  const who = [...selectWho(scene, changes), ...(part?.who(scene, changes) ?? [])]
  const owner = [...selectOwner(scene, changes), ...(part?.owner(scene, changes, findings) ?? [])]
  const entries = selectPageTable(scene, changes, findings)
  const pageTable = [...entries, ...(part?.pageTable(k, changes) ?? [])]
  return {
    lanes: [
      { name: 'Who', cards: told(who) },
      { name: 'Page table', cards: pageTable },
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
