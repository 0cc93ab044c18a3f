import type { Change } from '../../arena'
import type { Kernel } from '../../linux/kernel'
import type { Scene } from '../scene/scene'
import type { CardView, Link, Row, Tone } from '../shared/cards'
import { pageRange } from '../shared/format'
import { fileCards } from './file-cards'
import { lenders, linkLenders } from './lender-cards'
import { memoryOwners } from './memory-cards'
import { pgmapCard } from './pgmap-card'

/** Who the pages belong to: pgmaps, files, the file system, the device and its driver. */
export const selectOwner = (scene: Scene, changes: readonly Change[]): CardView[] => [
  ...memoryOwners(scene),
  ...deviceOwners(scene.k, changes),
]

const deviceOwners = (k: Kernel, changes: readonly Change[]): CardView[] => [
  ...k.pgmaps.rows().map((pgmap) => pgmapCard(pgmap, changes)),
  ...fileCards(k, changes),
  ...fileSystems(k),
  ...k.namespaces.rows().map((namespace) => namespaceCard(k, namespace)),
  ...lenders(k),
]

function fileSystems(k: Kernel): CardView[] {
  return k.superBlocks.rows().map(({ id, s_type, s_id, state, shutdown, frozen }) => ({
    target: { kind: 'super_block', id },
    title: `${s_type} on ${s_id}`,
    side: state,
    tone: shutdown === 'no' ? 'plain' : 'broken',
    rows: [
      shutdown === 'no'
        ? { kind: 'text', value: 'up', tone: 'quiet' }
        : { kind: 'text', label: 'shut down', value: shutdown, tone: 'broken' },
      ...(frozen === 0
        ? []
        : [{ kind: 'text', value: 'frozen: write faults wait', tone: 'pinned' } as const]),
    ],
  }))
}

type Namespace = ReturnType<Kernel['namespaces']['at']>

function namespaceCard(k: Kernel, namespace: Namespace): CardView {
  const { id, name, driver, dax, blockdev, mode } = namespace
  const disk: Row = { kind: 'text', label: 'disk', value: blockdev === '' ? 'none' : blockdev }
  return {
    target: { kind: 'namespace', id },
    title: name,
    side: driver === 'none' ? 'no driver' : driver,
    tone: driver === 'none' ? 'gone' : 'plain',
    rows: [...daxRows(k, dax), ...(mode === 'devdax' ? [] : [disk]), ...badBlockRows(k, namespace)],
  }
}

function daxRows(k: Kernel, dax: number): Row[] {
  if (dax === 0 || !k.daxDevices.isLive(dax))
    return [{ kind: 'text', label: 'dax_device', value: 'none' }]
  const { alive, srcu_readers } = k.daxDevices.at(dax)
  const pills: Row = {
    kind: 'pills',
    label: 'dax_device',
    pills: [
      { text: 'alive', on: alive === 1, tone: 'owned' },
      { text: 'killed', on: alive !== 1, tone: 'broken' },
    ],
  }
  return srcu_readers === 0
    ? [pills]
    : [
        pills,
        { kind: 'text', label: 'dax_srcu readers', value: String(srcu_readers), tone: 'pinned' },
      ]
}

const MAX_BAD = 2

/** What the platform has recorded as lost. */
function badBlockRows(k: Kernel, { start, end }: Namespace): Row[] {
  const bad = k.badblocks.runs(start, end)
  const rows = bad.slice(0, MAX_BAD).map(
    ({ start: pfn, length }): Row => ({
      kind: 'text',
      label: 'badblocks',
      value: pageRange(pfn, length),
      tone: 'poisoned',
    }),
  )
  const more = bad.length - MAX_BAD
  return more > 0 ? [...rows, { kind: 'text', value: `and ${more} more`, tone: 'poisoned' }] : rows
}

/** From owners to the physical range. */
export function linkOwner(k: Kernel): Link[] {
  const namespaces = k.namespaces.rows().flatMap(({ id, pgmap, resource }): Link[] => {
    const to =
      resource === 0 ? { kind: 'namespace', id, key: 0 } : { kind: 'resource', id: resource }
    const tone: Tone = resource === 0 ? 'gone' : 'owned'
    const own: Link[] = [{ from: { kind: 'namespace', id }, to, tone }]
    return pgmap === 0 || !k.pgmaps.isLive(pgmap)
      ? own
      : [
          ...own,
          { from: { kind: 'pgmap', id: pgmap }, to, tone: resource === 0 ? 'gone' : 'quiet' },
        ]
  })
  return [...namespaces, ...linkLenders(k)]
}
