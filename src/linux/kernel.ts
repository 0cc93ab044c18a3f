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
import { Badblocks } from './include/badblocks'
import {
  CxlDecoder,
  CxlMedia,
  CxlMemdev,
  CxlPort,
  CxlRegion,
  CxlTarget,
  DevDax,
  FabricLoad,
} from './include/cxl'
import { DaxDevice, NdNamespace } from './include/dax'
import { DaxEntry, DaxLease, DiskBlock, Extent, Inode, SuperBlock } from './include/fs'
import { Globals } from './include/globals'
import { PinHandle, PinnedPage, Pipe, PipeBuffer } from './include/gup'
import { DmirrorDevice } from './include/hmm'
import { Boot } from './include/init'
import { File, IomemListing, IomemNode, IommuPte, MuxedWaiter, Stage2Pte } from './include/iomem'
import { Resource } from './include/ioport'
import { MemoryBlock, MemoryHotplug, PendingSignal } from './include/memory'
import { ToKill } from './include/memory-failure'
import { DevmemFree, DevPagemap, PgmapEntry, PgmapRange } from './include/memremap'
import {
  BatchedFolio,
  Contents,
  Folio,
  FreePage,
  GatheredPage,
  Holders,
  MmStruct,
  Page,
  PtLock,
  TlbEntry,
  UnmapBatch,
  VmAreaStruct,
  Zone,
} from './include/mm_types'
import { PciBar, PciDev, PciHostBridge } from './include/pci'
import { PciP2pdma } from './include/pci-p2pdma'
import {
  Cpu,
  DirectMapEntry,
  KernelMapping,
  PkrsFrame,
  PkrsThread,
  Pks,
  UnguardedWrite,
} from './include/pkeys'
import { LogLine } from './include/printk'
import { TaskStruct } from './include/sched'
import { CachedPage, StableNode, SwapSlot } from './include/swap'
import { BinAttribute, KernfsNode, KernfsOpenFile } from './include/sysfs'
import { NicEntry, UmemOdp } from './include/umem'
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
  readonly zones: number
  readonly pipes: number
  readonly stableNodes: number
  /** CXL ports, and rows in proportion; 0 where there is no CXL. */
  readonly cxlPorts: number
  /** CXL regions, with the DAX devices that are made of them. */
  readonly cxlRegions: number
  /** Memory hotplug: 1 where there is any. */
  readonly hotplug: number
  /** Devices whose memory is migrated to (HMM), and BARs that lend memory to other devices (P2PDMA). */
  readonly dmirrors: number
  readonly p2pdmas: number
  /** PCI functions, and rows in proportion; 0 where the boot is not simulated. */
  readonly pciDevs: number
  /** CPUs with protection keys, and rows in proportion; 0 where a thread is a CPU of its own. */
  readonly cpus: number
  /** Files of I/O memory, and rows in proportion; 0 where there are none. */
  readonly iomemNodes: number
}

export const usualSizes: Sizes = {
  tasks: 6,
  depth: 8,
  resources: 8,
  namespaces: 1,
  mms: 3,
  vmas: 8,
  inodes: 6,
  pins: 8,
  log: 16,
  zones: 3,
  pipes: 2,
  stableNodes: 3,
  cxlPorts: 0,
  cxlRegions: 0,
  hotplug: 0,
  dmirrors: 0,
  p2pdmas: 0,
  pciDevs: 0,
  cpus: 0,
  iomemNodes: 0,
}

/** Tables that are keyed by an address, or by another place in order. */
const rangeStructs = {
  pages: Page,
  contents: Contents,
  /** Space = number of the mm, key = virtual page. */
  ptes: Pte,
  /** Space = number of the inode, key = file page; extents as well. */
  daxEntries: DaxEntry,
  extents: Extent,
  /** Space = number of the handle, key = position in it. */
  pinned: PinnedPage,
  /** Large folios, by pfn; and who holds a page for a moment. */
  folios: Folio,
  holders: Holders,
  /** Space = number of the ODP region, key = virtual page. */
  nicEntries: NicEntry,
  freePages: FreePage,
  /** Space = number of the mm, key = virtual page >> 9. */
  ptls: PtLock,
  /** Space = number of the task, which is its CPU; key = virtual page. */
  tlb: TlbEntry,
  /** Space = number of the task, key = position. */
  lruAdd: BatchedFolio,
  gathered: GatheredPage,
  unmapBatches: UnmapBatch,
  /** Key = offset in the swap device. */
  swapMap: SwapSlot,
  /** Space = number of the pipe, key = number of the buffer. */
  pipeBuffers: PipeBuffer,
  /** Space = number of the inode, key = file page. */
  pageCache: CachedPage,
  /** Key = HPA >> 27. */
  memoryBlocks: MemoryBlock,
  /** Space = number of the memdev, key = DPA >> 12. */
  cxlMedia: CxlMedia,
  /** By pfn: what the platform knows to be lost. */
  badblocks: Badblocks,
  /** Space = number of the task inside memory_failure(), key = position in its list. */
  toKill: ToKill,
  /** Space = number of the inode, key = file page. */
  diskBlocks: DiskBlock,
  /** By pfn; ranges behind the first: space = number of the pgmap, key = position. */
  pgmapArray: PgmapEntry,
  pgmapRanges: PgmapRange,
  devmemFree: DevmemFree,
  directMap: DirectMapEntry,
  /** By pfn. */
  unguarded: UnguardedWrite,
  /** Space = number of the mm whose container it is, key = I/O virtual page. */
  iommuPtes: IommuPte,
  /** Space = number of the mm of the guest, key = guest page. */
  stage2Ptes: Stage2Pte,
}

/** Tables of a machine whose boot is simulated, for so many PCI functions. */
const bootTables = (pciDevs: number) =>
  ({
    boots: [Boot, Math.min(1, pciDevs)],
    pciHosts: [PciHostBridge, pciDevs],
    pciDevs: [PciDev, pciDevs],
    pciBars: [PciBar, 3 * pciDevs],
    binAttributes: [BinAttribute, 8 * pciDevs],
    kernfsNodes: [KernfsNode, 6 * pciDevs],
    kernfsOpenFiles: [KernfsOpenFile, 2 * pciDevs],
  }) as const

/** What protection keys for supervisor pages need. */
const pksTables = ({ cpus, tasks }: Sizes) =>
  ({
    cpus: [Cpu, cpus],
    pkrsFrames: [PkrsFrame, 6 * cpus],
    pkrsThreads: [PkrsThread, cpus === 0 ? 0 : tasks],
    kernelMappings: [KernelMapping, 8 * cpus],
    pks: [Pks, Math.min(1, cpus)],
  }) as const

/** Files of I/O memory, and what goes with them. */
const iomemTables = ({ iomemNodes, tasks }: Sizes) =>
  ({
    iomemNodes: [IomemNode, iomemNodes],
    files: [File, 4 * iomemNodes],
    muxedWaiters: [MuxedWaiter, iomemNodes === 0 ? 0 : tasks],
    iomemListings: [IomemListing, iomemNodes === 0 ? 0 : tasks],
  }) as const

const layout = (sizes: Sizes, locals: number) =>
  layOut(
    {
      tasks: [TaskStruct, sizes.tasks],
      frames: [frameStruct(locals), sizes.tasks * sizes.depth],
      mms: [MmStruct, sizes.mms],
      vmas: [VmAreaStruct, sizes.vmas],
      pgmaps: [DevPagemap, sizes.namespaces + sizes.dmirrors + sizes.p2pdmas],
      namespaces: [NdNamespace, sizes.namespaces],
      daxDevices: [DaxDevice, 3 * sizes.namespaces],
      superBlocks: [SuperBlock, 2 * sizes.namespaces + 1],
      inodes: [Inode, sizes.inodes],
      pinHandles: [PinHandle, sizes.pins],
      daxLeases: [DaxLease, sizes.pins],
      umemOdps: [UmemOdp, sizes.pins],
      resources: [Resource, sizes.resources],
      log: [LogLine, sizes.log],
      zones: [Zone, sizes.zones],
      pipes: [Pipe, sizes.pipes],
      stableNodes: [StableNode, sizes.stableNodes],
      globalRows: [Globals, 1],
      cxlPorts: [CxlPort, sizes.cxlPorts],
      cxlMemdevs: [CxlMemdev, sizes.cxlPorts],
      cxlDecoders: [CxlDecoder, 3 * sizes.cxlPorts],
      cxlTargets: [CxlTarget, 4 * sizes.cxlPorts],
      cxlRegions: [CxlRegion, sizes.cxlRegions],
      devDaxes: [DevDax, sizes.cxlRegions],
      fabricLoads: [FabricLoad, sizes.cxlPorts === 0 ? 0 : sizes.tasks],
      hotplug: [MemoryHotplug, sizes.hotplug],
      pendingSignals: [PendingSignal, sizes.hotplug * sizes.tasks],
      dmirrors: [DmirrorDevice, sizes.dmirrors],
      p2pdmas: [PciP2pdma, sizes.p2pdmas],
      ...bootTables(sizes.pciDevs),
      ...pksTables(sizes),
      ...iomemTables(sizes),
    },
    rangeStructs,
  )

type LinuxHeap = ReturnType<typeof layout>

export interface KernelParts {
  readonly policy: PolicyValues<typeof policies>
  readonly operations: readonly Operation<Kernel>[]
  readonly invariants: readonly Invariant<Kernel>[]
  readonly sizes?: Partial<Sizes>
}

interface Core {
  readonly heap: Heap & LinuxHeap
  readonly machine: Machine<Kernel>
  readonly policy: KernelParts['policy']
  readonly invariants: KernelParts['invariants']
  /** The one row of global variables. */
  readonly globals: ReturnType<LinuxHeap['tables']['globalRows']['at']>
}

/** The simulated kernel: its tables and range tables by name, its machine, the policies that steps read. */
export type Kernel = LinuxHeap['tables'] & LinuxHeap['ranges'] & Core

/** Lays an empty kernel out. */
export function createKernel({ policy, operations, invariants, sizes }: KernelParts): Kernel {
  const heap = layout({ ...usualSizes, ...sizes }, frameWords(operations)) as Heap & LinuxHeap
  const { arena, tables, ranges } = heap
  tables.globalRows.make()
  const kernel = {
    ...tables,
    ...ranges,
    heap,
    policy,
    invariants,
    // Asked for each time, so that whoever reads them is known to.
    get globals() {
      return tables.globalRows.at(1)
    },
  }
  const { tasks, frames } = tables
  // The machine's operations see the kernel, and the kernel has the machine: one of them comes second.
  const machine: Machine<Kernel> = new Machine(kernel as unknown as Kernel, {
    arena,
    tasks,
    frames,
    operations,
  })
  return Object.assign(kernel, { machine })
}
