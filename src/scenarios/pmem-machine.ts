import { pmem_attach_disk } from '../linux/drivers/nvdimm/pmem'
import { createFile } from '../linux/fs/file'
import { path_mount } from '../linux/fs/super'
import { type IORES_DESC, IORESOURCE } from '../linux/include/ioport'
import { PG } from '../linux/include/page-flags'
import type { Kernel } from '../linux/kernel'
import { hold } from '../linux/mm/holders'
import { do_mmap } from '../linux/mm/mmap'
import type { Operation } from '../machine'

/** Where the recorded kernels had their shared zero page. */
const ZERO_PFN = 0x3738

/** A node of an iomem tree to begin with: inclusive addresses. */
export interface IomemSeed {
  readonly name: string
  readonly start: number
  readonly end: number
  readonly flags: number
  readonly desc?: (typeof IORES_DESC)[number]
  readonly children: readonly IomemSeed[]
}

/** A line of a recorded listing: depth, first and last address, flags, descriptor, name. */
export type SeedRow = readonly [
  depth: number,
  start: number,
  end: number,
  flags: number,
  desc: (typeof IORES_DESC)[number],
  name: string,
]

/** The tree, nested by the depths of the rows. */
export function nestSeeds(rows: readonly SeedRow[]): IomemSeed[] {
  const top: IomemSeed[] = []
  const open: IomemSeed[][] = [top]
  for (const [depth, start, end, flags, desc, name] of rows) {
    const children: IomemSeed[] = []
    open[depth]?.push({ name, start, end, flags, desc, children })
    open[depth + 1] = children
  }
  return top
}

/** Nodes in a tree of seeds, counted without recursion on what may be a hostile listing. */
export function countSeeds(seeds: readonly IomemSeed[]): number {
  const open = [...seeds]
  let count = 0
  for (let seed = open.pop(); seed !== undefined; seed = open.pop()) {
    count += 1
    for (const child of seed.children) open.push(child)
  }
  return count
}

/** Makes the root and links every node below its parent, lowest address first. */
export function seedIomem(k: Kernel, seeds: readonly IomemSeed[]): void {
  const root = k.resources.make({ name: 'PCI mem', end: 2 ** 52 - 1, flags: IORESOURCE.mem })
  const open = [{ parent: root.id, children: seeds }]
  for (let work = open.pop(); work !== undefined; work = open.pop()) {
    let before: (typeof root)['id'] = 0
    for (const { name, start, end, flags, desc = 'NONE', children } of work.children) {
      const node = k.resources.make({ name, start, end, flags, desc, parent: work.parent })
      if (before === 0) k.resources.at(work.parent).child = node.id
      else k.resources.at(before).sibling = node.id
      before = node.id
      open.push({ parent: node.id, children })
    }
  }
}

/** The zero page that reads of holes map. */
export function seedZeroPage(k: Kernel): void {
  k.globals.zero_pfn = ZERO_PFN
  k.pages.fill(ZERO_PFN, ZERO_PFN + 1, { flags: PG.reserved })
  hold(k, ZERO_PFN, 'alloc')
}

/** A process with one thread, a root shell, and what else acts. */
export function seedProcess(k: Kernel, comm: string, pid: number): void {
  const mm = k.mms.make({ comm, pid })
  k.tasks.make({ name: comm, role: 'process', mm: mm.id })
}

/** Runs an operation of a thread to its end while nothing else runs: how the machine came to be so. */
export function run(
  k: Kernel,
  who: string,
  operation: { readonly name: string },
  args: object,
): number {
  const task = k.tasks.find(({ name }) => name === who)
  if (task === undefined) throw new Error(`run: no thread ${who}`)
  k.machine.start(task.id, operation as Operation<Kernel>, args)
  while (k.machine.canStep(task.id)) k.machine.step(task.id)
  if (!k.machine.isIdle(task.id)) throw new Error(`run: ${operation.name} waits`)
  const { ret } = task
  task.ret = 0
  return ret
}

/** A namespace as firmware and ndctl describe it, in page frames [start, end), no driver bound. */
export interface NamespaceSeed {
  readonly name: string
  readonly start: number
  readonly end: number
}

/** Makes the namespace, and binds its driver; returns its number. */
export function seedNamespace(k: Kernel, namespace: NamespaceSeed, admin: string): number {
  const device = k.namespaces.make({ ...namespace })
  run(k, admin, pmem_attach_disk, { device: device.id })
  return device.id
}

/** Mounts a file system of the policy's kind on a namespace. */
export const seedFileSystem = (k: Kernel, device: number, admin: string): number =>
  run(k, admin, path_mount, { device })

/** Makes a file as a thread would, and returns its inode. */
export const seedFile = (k: Kernel, who: string, name: string, size: number): number =>
  run(k, who, createFile, { superBlock: 1, name, size })

/** Maps a file as a thread would. */
export const seedMapping = (
  k: Kernel,
  who: string,
  mapping: { inode: number; pages: number; pgoff: number; label: string; private?: number },
): number => run(k, who, do_mmap, mapping)
