import { type Change, flagsSet } from '../../arena'
import { DAX, TAG } from '../../linux/include/fs'
import { PAGE_SIZE } from '../../linux/include/mm'
import type { Kernel } from '../../linux/kernel'
import type { Scene } from '../scene/scene'
import type { CardView, Link, Row, Segment, Tone } from '../shared/cards'
import { was, wasInRow } from '../shared/changed'
import { hex, size } from '../shared/format'
import { memoryOwners } from './memory-cards'

const STATES = ['live', 'dying', 'dead'] as const
const stateTone: Record<(typeof STATES)[number], Tone> = {
  live: 'owned',
  dying: 'pinned',
  dead: 'broken',
}

/** Who the pages belong to: pgmaps, files, the file system, the device and its driver. */
export const selectOwner = (scene: Scene, changes: readonly Change[]): CardView[] => [
  ...memoryOwners(scene),
  ...deviceOwners(scene.k, changes),
]

const deviceOwners = (k: Kernel, changes: readonly Change[]): CardView[] => [
  ...pgmaps(k, changes),
  ...files(k),
  ...fileSystems(k),
  ...devices(k),
]

function pgmaps(k: Kernel, changes: readonly Change[]): CardView[] {
  return k.pgmaps.rows().map(({ id, type, state, mode, ref }) => ({
    target: { kind: 'pgmap', id },
    title: 'dev_pagemap',
    side: type,
    tone: state === 'live' || state === 'dying' ? 'plain' : 'broken',
    rows: [
      {
        kind: 'pills',
        label: 'percpu_ref',
        pills: STATES.map((text) => ({
          text,
          on: text === (state === 'exited' ? 'dead' : state),
          tone: stateTone[text],
        })),
      },
      {
        kind: 'text',
        label: state === 'exited' ? 'ref, exited' : `ref, ${mode}`,
        value: ref.toLocaleString('en'),
        ...was(wasInRow(changes, 'pgmaps', id, 'ref'), (value: number) =>
          value.toLocaleString('en'),
        ),
      },
    ],
  }))
}

function files(k: Kernel): CardView[] {
  return k.inodes.rows().map((inode) => ({
    target: { kind: 'inode', id: inode.id },
    title: inode.name,
    side: `inode ${inode.i_ino}`,
    tone: 'plain',
    rows: [
      { kind: 'text', label: 'size', value: size(inode.i_size) },
      extentBar(k, inode.id, inode.i_size),
      ...entryRows(k, inode.id),
      ...cacheRows(k, inode.id),
      ...lockRows(k, inode),
    ],
  }))
}

/** Extents to scale, with what i_pages knows of them. */
function extentBar(k: Kernel, inode: number, bytes: number): Row {
  const total = Math.max(1, Math.ceil(bytes / PAGE_SIZE))
  const extents = k.extents.in(inode).runs(0, total)
  const entries = k.daxEntries.in(inode).runs(0, total)
  const cached = k.pageCache.in(inode).runs(0, total)
  const segments: Segment[] = [
    ...extents.map(
      ({ start, end }): Segment => ({
        start,
        end,
        tone: 'owned',
        says: `extent of ${end - start} blocks`,
      }),
    ),
    ...entries.map(
      ({ start, end, marks }): Segment => ({
        start,
        end,
        tone: (marks & TAG.dirty) !== 0 ? 'pinned' : 'mapped',
        says: `${end - start} pages in i_pages`,
      }),
    ),
    ...cached.map(
      ({ start, end }): Segment => ({
        start,
        end,
        tone: 'mapped',
        says: `${end - start} pages in the page cache`,
      }),
    ),
  ]
  return { kind: 'bar', total, segments }
}

const MAX_ENTRY_ROWS = 4

function entryRows(k: Kernel, inode: number): Row[] {
  const entries = k.daxEntries.in(inode).runs()
  return entries.slice(0, MAX_ENTRY_ROWS).map(({ start, length, flags, marks }) => {
    const words = [...flagsSet(DAX, flags), ...flagsSet(TAG, marks)]
    return {
      kind: 'text',
      label: `entry ${start}${length > 1 ? `…${start + length - 1}` : ''}`,
      value: words.join(' ') || 'clean',
      tone: (flags & DAX.locked) !== 0 ? 'pinned' : 'plain',
    }
  })
}

/** Pages of the page cache, which holds one reference of each. */
const cacheRows = (k: Kernel, inode: number): Row[] =>
  k.pageCache
    .in(inode)
    .runs()
    .slice(0, MAX_ENTRY_ROWS)
    .map(({ start, length, pfn }) => ({
      kind: 'text',
      label: `page ${start}${length > 1 ? `…${start + length - 1}` : ''}`,
      value: `${hex(pfn)}${length > 1 ? '…' : ''}`,
    }))

function lockRows(k: Kernel, inode: ReturnType<Kernel['inodes']['at']>): Row[] {
  const holder = (task: number) => k.tasks.at(task).name
  const rows: Row[] = []
  if (inode.iolock !== 0)
    rows.push({ kind: 'text', label: 'IOLOCK', value: holder(inode.iolock), tone: 'pinned' })
  if (inode.mmaplock !== 0)
    rows.push({ kind: 'text', label: 'MMAPLOCK', value: holder(inode.mmaplock), tone: 'pinned' })
  if (inode.mmaplock_shared > 0)
    rows.push({ kind: 'text', label: 'MMAPLOCK shared', value: String(inode.mmaplock_shared) })
  return rows
}

function fileSystems(k: Kernel): CardView[] {
  return k.superBlocks.rows().map(({ id, s_type, s_id, state, shutdown }) => ({
    target: { kind: 'super_block', id },
    title: `${s_type} on ${s_id}`,
    side: state,
    tone: shutdown === 'no' ? 'plain' : 'broken',
    rows:
      shutdown === 'no'
        ? [{ kind: 'text', value: 'up', tone: 'quiet' }]
        : [{ kind: 'text', label: 'shut down', value: shutdown, tone: 'broken' }],
  }))
}

function devices(k: Kernel): CardView[] {
  return k.namespaces.rows().map(({ id, name, driver, dax, blockdev }) => {
    return {
      target: { kind: 'namespace', id },
      title: name,
      side: driver === 'none' ? 'no driver' : driver,
      tone: driver === 'none' ? 'gone' : 'plain',
      rows: [
        daxRow(k, dax),
        { kind: 'text', label: 'disk', value: blockdev === '' ? 'none' : blockdev },
      ],
    }
  })
}

function daxRow(k: Kernel, dax: number): Row {
  if (dax === 0 || !k.daxDevices.isLive(dax))
    return { kind: 'text', label: 'dax_device', value: 'none' }
  const alive = k.daxDevices.at(dax).alive === 1
  return {
    kind: 'pills',
    label: 'dax_device',
    pills: [
      { text: 'alive', on: alive, tone: 'owned' },
      { text: 'killed', on: !alive, tone: 'broken' },
    ],
  }
}

/** From owners to the physical range. */
export function linkOwner(k: Kernel): Link[] {
  return k.namespaces.rows().flatMap(({ id, pgmap, resource }): Link[] => {
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
}
