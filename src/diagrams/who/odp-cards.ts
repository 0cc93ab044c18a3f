import type { Change } from '../../arena'
import type { Kernel } from '../../linux/kernel'
import { adapterName } from '../scene/names'
import { cardsOfPages, type Scene } from '../scene/scene'
import type { CardView, Link, Row } from '../shared/cards'
import { was, wasInRow } from '../shared/changed'
import { pageCount, pageRange } from '../shared/format'

const MAX_REGIONS = 3

/** Memory that an RDMA adapter maps on demand: it holds no reference, and every zap takes its entries. */
export const odpCards = (k: Kernel, changes: readonly Change[]): CardView[] =>
  k.umemOdps
    .rows()
    .slice(0, MAX_REGIONS)
    .map(({ id, pages, seq }) => ({
      target: { kind: 'umem_odp', id },
      title: adapterName(k),
      side: `ODP MR, ${pageCount(pages)}`,
      tone: 'plain',
      rows: [
        ...mappedRows(k, id),
        {
          kind: 'text',
          label: 'invalidate_seq',
          value: String(seq),
          ...was(wasInRow(changes, 'umemOdps', id, 'seq'), String),
        },
        { kind: 'text', value: 'no pin: a zap takes the adapter’s entry first', tone: 'quiet' },
      ],
    }))

function mappedRows(k: Kernel, umem: number): Row[] {
  const runs = k.nicEntries.in(umem).runs()
  return runs.length === 0
    ? [{ kind: 'text', value: 'maps nothing: its next access faults', tone: 'quiet' }]
    : runs.slice(0, 3).map(({ pfn, length }) => ({
        kind: 'text',
        label: 'maps',
        value: pageRange(pfn, length),
        tone: 'mapped',
      }))
}

/** From regions to the pages that the adapter reaches. */
export const linkOdp = (scene: Scene): Link[] =>
  scene.k.umemOdps.rows().flatMap(({ id }) =>
    scene.k.nicEntries
      .in(id)
      .runs()
      .flatMap(({ pfn, length }) => cardsOfPages(scene, pfn, length))
      .map((to): Link => ({ from: { kind: 'umem_odp', id }, to, tone: 'mapped' })),
  )
