import { type Heap, layOut } from '../arena'
import {
  frameStruct,
  frameWords,
  type Invariant,
  Machine,
  type Operation,
  type PolicyValues,
} from '../machine'
import { Pte } from './arch/x86/pgtable'
import { DaxDevice, NdNamespace } from './include/dax'
import { DaxEntry, Extent, Inode, SuperBlock } from './include/fs'
import { Globals } from './include/globals'
import { PinHandle, PinnedPage } from './include/gup'
import { Resource } from './include/ioport'
import { DevPagemap } from './include/memremap'
import { Contents, MmStruct, Page, VmAreaStruct } from './include/mm_types'
import { LogLine } from './include/printk'
import { TaskStruct } from './include/sched'
import type { policies } from './policies'

/** Rows that a kernel has room for. A scenario asks for more where it needs them. */
export interface Sizes {
  readonly tasks: number
  /** Operations on one task's stack. */
  readonly depth: number
  readonly resources: number
  readonly namespaces: number
  readonly mms: number
  readonly vmas: number
  readonly inodes: number
  readonly pins: number
  readonly log: number
}

export const usualSizes: Sizes = {
  tasks: 6,
  depth: 6,
  resources: 8,
  namespaces: 1,
  mms: 3,
  vmas: 8,
  inodes: 6,
  pins: 8,
  log: 16,
}

const layout = (sizes: Sizes, locals: number) =>
  layOut(
    {
      tasks: [TaskStruct, sizes.tasks],
      frames: [frameStruct(locals), sizes.tasks * sizes.depth],
      mms: [MmStruct, sizes.mms],
      vmas: [VmAreaStruct, sizes.vmas],
      pgmaps: [DevPagemap, sizes.namespaces],
      namespaces: [NdNamespace, sizes.namespaces],
      daxDevices: [DaxDevice, sizes.namespaces],
      superBlocks: [SuperBlock, 2 * sizes.namespaces],
      inodes: [Inode, sizes.inodes],
      pinHandles: [PinHandle, sizes.pins],
      resources: [Resource, sizes.resources],
      log: [LogLine, sizes.log],
      globals: [Globals, 1],
    },
    {
      pages: Page,
      contents: Contents,
      ptes: Pte,
      daxEntries: DaxEntry,
      extents: Extent,
      pinned: PinnedPage,
    },
  )

type LinuxHeap = ReturnType<typeof layout>

export interface KernelParts {
  readonly policy: PolicyValues<typeof policies>
  readonly operations: readonly Operation<Kernel>[]
  readonly invariants: readonly Invariant<Kernel>[]
  readonly sizes?: Partial<Sizes>
}

/** The simulated kernel: its heap, its machine, and the policies that its steps read. */
export class Kernel {
  readonly heap: Heap & LinuxHeap
  readonly machine: Machine<Kernel>
  readonly policy: PolicyValues<typeof policies>
  readonly invariants: readonly Invariant<Kernel>[]

  readonly tasks: LinuxHeap['tables']['tasks']
  readonly mms: LinuxHeap['tables']['mms']
  readonly vmas: LinuxHeap['tables']['vmas']
  readonly pgmaps: LinuxHeap['tables']['pgmaps']
  readonly namespaces: LinuxHeap['tables']['namespaces']
  readonly daxDevices: LinuxHeap['tables']['daxDevices']
  readonly superBlocks: LinuxHeap['tables']['superBlocks']
  readonly inodes: LinuxHeap['tables']['inodes']
  readonly pinHandles: LinuxHeap['tables']['pinHandles']
  readonly resources: LinuxHeap['tables']['resources']
  readonly log: LinuxHeap['tables']['log']
  /** The one row of global variables. */
  readonly globals: ReturnType<LinuxHeap['tables']['globals']['at']>

  readonly pages: LinuxHeap['ranges']['pages']
  readonly contents: LinuxHeap['ranges']['contents']
  /** Space = number of the mm, key = virtual page. */
  readonly ptes: LinuxHeap['ranges']['ptes']
  /** Space = number of the inode, key = file page. */
  readonly daxEntries: LinuxHeap['ranges']['daxEntries']
  /** Space = number of the inode, key = file page. */
  readonly extents: LinuxHeap['ranges']['extents']
  /** Space = number of the handle, key = position in it. */
  readonly pinned: LinuxHeap['ranges']['pinned']

  constructor({ policy, operations, invariants, sizes }: KernelParts) {
    const heap = layout({ ...usualSizes, ...sizes }, frameWords(operations))
    const { tables, ranges } = heap
    this.heap = heap as Heap & LinuxHeap
    this.policy = policy
    this.invariants = invariants
    this.tasks = tables.tasks
    this.mms = tables.mms
    this.vmas = tables.vmas
    this.pgmaps = tables.pgmaps
    this.namespaces = tables.namespaces
    this.daxDevices = tables.daxDevices
    this.superBlocks = tables.superBlocks
    this.inodes = tables.inodes
    this.pinHandles = tables.pinHandles
    this.resources = tables.resources
    this.log = tables.log
    this.globals = tables.globals.make()
    this.pages = ranges.pages
    this.contents = ranges.contents
    this.ptes = ranges.ptes
    this.daxEntries = ranges.daxEntries
    this.extents = ranges.extents
    this.pinned = ranges.pinned
    const { arena } = heap
    this.machine = new Machine<Kernel>(this, {
      arena,
      tasks: tables.tasks,
      frames: tables.frames,
      operations,
    })
  }
}
