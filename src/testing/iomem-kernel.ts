import type { Ref } from '../arena'
import { chrdev_open, open_port, openResource, proc_bus_pci_open } from '../linux/fs/open-iomem'
import { errnoName } from '../linux/include/errno'
import { IORESOURCE } from '../linux/include/ioport'
import { __release_region, __request_region } from '../linux/kernel/resource'
import { IOMEM_RESOURCE, insertResource } from '../linux/kernel/resource-tree'
import { do_munmap } from '../linux/mm/mmap'
import { mmap_region } from '../linux/mm/mmap-iomem'
import { userLoad, userStore } from '../linux/mm/user-access'
import { bootIomemMachine, DEV_MEM, type IomemMachine } from '../scenarios/iomem-machine'
import type { IomemSeed } from '../scenarios/pmem-machine'
import { setupOf } from './preset-setup'
import { TestKernel } from './test-kernel'

type Thread = ReturnType<TestKernel['task']>

/** A node of the tree without children. */
export const node = (
  name: string,
  start: number,
  end: number,
  flags: number,
  children: readonly IomemSeed[] = [],
): IomemSeed => ({ name, start, end, flags, children })

const OPENERS = {
  mem: open_port,
  resource: openResource,
  proc: proc_bus_pci_open,
  vfio: chrdev_open,
  uio: chrdev_open,
} as const

/** The iomem examples in the words of their tables. */
export class IomemKernel extends TestKernel {
  /** Opens a file for a process; returns what open() does. */
  open(who: string, path: string): number {
    const { iomemNodes, inodes } = this.kernel
    const inode = inodes.find(({ name }) => name === path)
    const kind = iomemNodes.find((each) => each.inode === inode?.id)?.kind ?? 'mem'
    return this.task(who)
      .begins(OPENERS[kind], { inode: inode?.id ?? 0 })
      .finishes()
  }

  /** The file that a process has open, opened now if it is not. */
  fileOf(who: string, path = '/dev/mem'): number {
    const { mm } = this.task(who).row
    const file = this.kernel.files.find(
      ({ owner, f_inode }) => owner === mm && this.kernel.inodes.at(f_inode).name === path,
    )
    return file?.id ?? this.open(who, path)
  }

  /** Begins mmap(): of /dev/mem at an address, or of a PCI file at a page of the BAR. */
  maps(who: string, pgoff: number, pages: number, path = '/dev/mem', label = who): Thread {
    const file = this.fileOf(who, path)
    return this.task(who).begins(mmap_region, { file, pages, pgoff, label })
  }

  /** mmap() to its end: `ok`, or the errno. */
  mmap(who: string, pgoff: number, pages: number, path = '/dev/mem', label = who): string {
    const ret = this.maps(who, pgoff, pages, path, label).finishes()
    return ret > 0 ? 'ok' : errnoName(ret)
  }

  munmap(who: string, label = who): void {
    const vma = this.kernel.vmas.find((each) => each.label === label)?.id ?? 0
    this.task(who).begins(do_munmap, { vma }).finishes()
  }

  claims(who: string, start: number, end: number, name = who, flags = 0): Thread {
    const parent = IOMEM_RESOURCE
    return this.task(who).begins(__request_region, { parent, start, end, name, flags })
  }

  /** A claim to its end: the flags of the node in hex, or `-EBUSY`. */
  claim(who: string, start: number, end: number, name = who, flags = 0): string {
    const id = this.claims(who, start, end, name, flags).finishes()
    return id === 0 ? '-EBUSY' : this.flags(id)
  }

  release(who: string, start: number, end: number): void {
    this.task(who).begins(__release_region, { start, end }).finishes()
  }

  flags(id: number): string {
    return (this.kernel.resources.at(id).flags >>> 0).toString(16)
  }

  /** The claim of a name, as a range, or `–`. */
  claimOf(name: string): string {
    const found = this.kernel.resources.find((each) => each.name === name && each.parent !== 0)
    return found === undefined ? '–' : `${found.start.toString(16)}-${found.end.toString(16)}`
  }

  insert(name: string, start: number, end: number, flags: number = IORESOURCE.mem): boolean {
    const { resources } = this.kernel
    return insertResource(
      this.kernel,
      resources.at(IOMEM_RESOURCE),
      resources.make({ name, start, end, flags }),
    )
  }

  private vpnOf(who: string, pfn: number, label = who): number {
    const vma = this.kernel.vmas.find((each) => each.label === label)
    return (vma?.vm_start ?? 0) + pfn - (vma?.vm_pgoff ?? 0)
  }

  /** `present`, or `none`. */
  pte(who: string, pfn: number, label = who): string {
    const { mm } = this.task(who).row
    return this.kernel.ptes.in(mm).has(this.vpnOf(who, pfn, label)) ? 'present' : 'none'
  }

  byte(pfn: number): number {
    return this.kernel.contents.has(pfn) ? this.kernel.contents.at(pfn).value : 0
  }

  /** A store: `ok`, or the signal. */
  store(who: string, pfn: number, value: number, label = who): string {
    return this.access(who, userStore, { vpn: this.vpnOf(who, pfn, label), value, offset: 0 })
  }

  load(who: string, pfn: number, label = who): string {
    return this.access(who, userLoad, { vpn: this.vpnOf(who, pfn, label), value: 0, offset: 0 })
  }

  private access(who: string, operation: { readonly name: string }, args: object): string {
    const task = this.task(who)
    task.begins(operation, args).finishes()
    const { signal, si_code } = task.row
    return signal === 'none' ? 'ok' : `${signal} ${si_code}`
  }

  /** Names of the properties that are broken now. */
  get brokenNames(): string[] {
    return this.kernel.invariants
      .filter((invariant) => this.broken(invariant) !== undefined)
      .map(({ name }) => name)
  }

  resource(name: string): Ref<'resource'> {
    return this.kernel.resources.find((each) => each.name === name)?.id ?? 0
  }
}

/** A machine of the iomem examples under the rules of a version: T a user, D a driver. */
export function bootIomem(
  preset: string,
  iomem: readonly IomemSeed[],
  more: Partial<IomemMachine> & { policies?: Readonly<Record<string, string>> } = {},
): IomemKernel {
  const { policies = {}, ...machine } = more
  const kernel = bootIomemMachine(setupOf(preset, policies), {
    iomem,
    nodes: [DEV_MEM],
    users: [
      { comm: 'T', pid: 100 },
      { comm: 'T2', pid: 101 },
    ],
    admins: ['D', 'D2'],
    ...machine,
  })
  return new IomemKernel(kernel)
}
