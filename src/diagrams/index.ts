import type { Change } from '../arena'
import type { Kernel } from '../linux/kernel'
import type { Finding } from '../machine'
import { late } from './board/late'
import { selectBoard } from './board/select'
import { selectBoot } from './boot/select'
import { selectTopology } from './cxl/select'
import { blockCards } from './memory-blocks/select'
import { selectOwner } from './owner/select'
import { selectPageTable } from './page-table/select'
import { selectPages } from './pages/select'
import { selectPks } from './pks/select'
import { sceneOf } from './scene/scene'
import { selectWhere } from './where/select'
import { selectWho } from './who/select'

/** All that a picture may depend on. */
export interface Shown {
  readonly kernel: Kernel
  readonly changes: readonly Change[]
  readonly findings: readonly Finding[]
  /** The node of the iomem tree that is zoomed to; 0 is all. */
  readonly focus: number
}

interface DiagramEntry {
  readonly name: string
  readonly title: string
  /** Heap to view model. */
  select(shown: Shown): unknown
}

/** Every picture. */
export const diagrams: readonly DiagramEntry[] = [
  {
    name: 'board',
    title: 'The whole board',
    select: ({ kernel, changes, findings, focus }) =>
      selectBoard(kernel, changes, findings, focus, { part: late, hpa: undefined }),
  },
  {
    name: 'who',
    title: 'Processes, threads and pins',
    select: ({ kernel, changes }) => selectWho(sceneOf(kernel), changes),
  },
  {
    name: 'page-table',
    title: 'Page table entries',
    select: ({ kernel, changes, findings }) => selectPageTable(sceneOf(kernel), changes, findings),
  },
  {
    name: 'pks',
    title: 'Protection keys',
    select: ({ kernel, changes }) => selectPks(kernel, changes),
  },
  {
    name: 'pages',
    title: 'Struct pages',
    select: ({ kernel, changes }) => selectPages(sceneOf(kernel), changes),
  },
  {
    name: 'owner',
    title: 'pgmap, file, device',
    select: ({ kernel, changes }) => selectOwner(sceneOf(kernel), changes),
  },
  {
    name: 'where',
    title: 'The iomem tree',
    select: ({ kernel, focus }) => selectWhere(kernel, focus),
  },
  {
    name: 'cxl',
    title: 'The CXL topology',
    select: ({ kernel, changes }) => selectTopology(kernel, changes, undefined) ?? 'none',
  },
  {
    name: 'memory-blocks',
    title: 'Memory blocks',
    select: ({ kernel, changes, findings }) => blockCards(kernel, changes, findings),
  },
  {
    name: 'boot',
    title: 'The boot: initcalls, PCI devices and their files',
    select: ({ kernel, changes }) => selectBoot(kernel, changes),
  },
]
