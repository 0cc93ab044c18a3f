import type { Change } from '../../arena'
import type { Kernel } from '../../linux/kernel'
import type { CardView, Row } from '../shared/cards'
import { was, wasInRow } from '../shared/changed'

const MAX_LEASES = 3

/** Leases of the series of October 2017, with their references and the bits of dl_state. */
export const leaseCards = (k: Kernel, changes: readonly Change[]): CardView[] =>
  k.daxLeases
    .rows()
    .slice(0, MAX_LEASES)
    .map(({ id, inode, dl_count, listed, pages, breaking, reap_due, break_due }) => {
      const before = (field: string) => wasInRow(changes, 'daxLeases', id, field)
      const bit = (name: string, field: string, value: number) => ({
        name,
        on: value === 1,
        changed: before(field) !== undefined,
      })
      return {
        target: { kind: 'dax_lease', id },
        title: 'dax_lease',
        side: k.inodes.isLive(inode) ? k.inodes.at(inode).name : '',
        tone: breaking === 1 ? 'pinned' : 'plain',
        rows: [
          {
            kind: 'text',
            label: 'dl_count',
            value: String(dl_count),
            ...was(before('dl_count'), String),
          },
          { kind: 'text', label: 'dl_state', value: '' },
          {
            kind: 'bits',
            bits: [bit('PAGES', 'pages', pages), bit('BREAK', 'breaking', breaking)],
          },
          {
            kind: 'text',
            label: 'flc_lease',
            value: listed === 1 ? 'FL_ALLOCATED' : 'given up',
            tone: listed === 1 ? 'plain' : 'quiet',
          },
          workRow('reap work', reap_due),
          workRow('break work', break_due),
        ],
      }
    })

const workRow = (label: string, due: number): Row => ({
  kind: 'text',
  label,
  value: due < 0 ? 'not queued' : `at jiffies ${due}`,
  tone: due < 0 ? 'quiet' : 'plain',
})
