import { PTE } from '../linux/arch/x86/pgtable'
import { dax_mmap } from '../linux/drivers/dax/device'
import { ib_umem_get } from '../linux/drivers/infiniband/umem'
import { dax_make_entry } from '../linux/fs/dax-entries'
import { PG } from '../linux/include/page-flags'
import { noPteToDeadPgmap } from '../linux/invariants/no-pte-to-dead-pgmap'
import type { Kernel } from '../linux/kernel'
import { do_mmap } from '../linux/mm/mmap'
import { userStore } from '../linux/mm/user-access'
import type { DaxMachine } from '../scenarios/dax-boot'
import { bootDaxMachine, bootDeviceMachine } from '../scenarios/dax-machine'
import { run } from '../scenarios/pmem-machine'
import { setupOf } from './preset-setup'
import { TestKernel } from './test-kernel'

/** The geometry of the DAX sheet’s examples: 8 pages, P0 to P7. */
export const FIRST = 0x480200
export const P3 = FIRST + 3
export const P5 = FIRST + 5
const PAGES = 8
/** What A has written to F1, and what another owner has on the card. */
export const F1DATA = 0xf1
export const TENANT2_KEY = 0x7e

const WINDOW = { start: 0x480000000, end: 0x4ffffffff }

/** A machine of the examples W17 to W23, in the words of their tables. */
export class RemovalKernel extends TestKernel {
  /** `live:9`: the pgmap of the present binding. */
  get pg(): string {
    const { state, ref } = this.kernel.pgmaps.at(1)
    return state === 'exited' ? 'exited' : `${state}:${ref}`
  }

  get alive(): number {
    return this.kernel.daxDevices.at(1).alive
  }

  get srcu(): number {
    return this.kernel.daxDevices.at(1).srcu_readers
  }

  /** The value of the entry at page 0 of a file: `0x4802030`, or `–`. */
  slot(inode = 1): string {
    const entries = this.kernel.daxEntries.in(inode)
    if (!entries.has(0)) return '–'
    return `0x${dax_make_entry(entries.at(0)).value.toString(16)}`
  }

  isDirty(inode = 1): boolean {
    return this.kernel.daxEntries.in(inode).at(0).marks !== 0
  }

  /** `P3 rw`, `P3 ro` or `none`. */
  pte(who: string): string {
    const vpn = this.vpn(who)
    const ptes = this.kernel.ptes.in(this.task(who).row.mm)
    if (!ptes.has(vpn)) return 'none'
    const { pfn, flags } = ptes.at(vpn)
    return `P${pfn - FIRST} ${(flags & PTE.rw) !== 0 ? 'rw' : 'ro'}`
  }

  /** Where a process looks: its area of the file, or its page of the device. */
  vpn(who: string): number {
    const { mm } = this.task(who).row
    const vma = this.kernel.vmas.find(({ vm_mm }) => vm_mm === mm)
    const page = this.kernel.namespaces.at(1).mode === 'devdax' ? (who === 'A' ? 3 : 4) : 0
    return (vma?.vm_start ?? 0) + page
  }

  /** What the eight pages count: `1 1 1 1025 1 1 1 1`; `–` where there is no struct page. */
  get refs(): string {
    const { pages } = this.kernel
    const all = Array.from({ length: PAGES }, (_, i) => FIRST + i)
    return all.map((pfn) => (pages.has(pfn) ? String(pages.at(pfn).refcount) : '–')).join(' ')
  }

  ref(pfn: number): number {
    return this.kernel.pages.at(pfn).refcount
  }

  isPoisoned(pfn: number): boolean {
    return (this.kernel.pages.at(pfn).flags & PG.hwpoison) !== 0
  }

  signal(who: string): string {
    const { signal, si_code, si_addr_lsb } = this.task(who).row
    if (signal === 'none') return 'none'
    return si_addr_lsb === 0 ? si_code : `${si_code} ${si_addr_lsb}`
  }

  /** S1 of the sheet. */
  get s1(): string {
    return this.broken(noPteToDeadPgmap) ?? 'holds'
  }

  get logLines(): string[] {
    return this.kernel.log.rows().map(({ line }) => line)
  }

  /** Begins to register the page at which a process looks with an RDMA adapter. */
  registers(who: string): ReturnType<TestKernel['task']> {
    return this.task(who).begins(ib_umem_get, { start: this.vpn(who), pages: 1 })
  }

  /** The byte at the address of a process; its signal, where it gets one instead. */
  load(who: string, operation: { readonly name: string }): string {
    const task = this.task(who)
    task.begins(operation, { vpn: this.vpn(who), value: 0 }).finishes()
    return task.row.signal === 'none' ? `0x${task.row.value.toString(16)}` : task.row.si_code
  }
}

interface Boot {
  readonly policies?: Readonly<Record<string, string>>
  /** Which file B maps: 1 is F1, 2 is F2. */
  readonly other?: 1 | 2
  readonly align?: 1 | 512
}

function machineOf(pages: number, name: string): DaxMachine {
  const window = { ...WINDOW, flags: 0x200, children: [] }
  return {
    iomem: [{ name: 'Persistent Memory', ...window }],
    namespace: { name, start: FIRST, end: FIRST + pages },
    processes: [
      { comm: 'A', pid: 100 },
      { comm: 'B', pid: 101 },
    ],
    admins: ['R', 'R 2'],
  }
}

/** A file of one page, at a block that the example names. */
function seedFile(k: Kernel, name: string, i_ino: number, pfn: number): void {
  const inode = k.inodes.make({ name, i_ino, i_sb: k.superBlocks.at(1).id, i_size: 4096 })
  k.extents.in(inode.id).fill(0, 1, { pfn })
  k.contents.fill(pfn, pfn + 1, { value: 0 })
}

/** A namespace with a file system: A has F1 at block 3, B a file of its own at block 5. Nothing is mapped in. */
export function bootFiles(preset: string, { policies, other = 2 }: Boot = {}): RemovalKernel {
  const kernel = bootDaxMachine(setupOf(preset, policies), machineOf(PAGES, 'namespace0.0'))
  seedFile(kernel, 'F1', 131, P3)
  seedFile(kernel, 'F2', 132, P5)
  const area = { pages: 1, pgoff: 0, private: 0 }
  run(kernel, 'A', do_mmap, { inode: 1, label: 'A', ...area })
  run(kernel, 'B', do_mmap, { inode: other, label: 'B', ...area })
  return new RemovalKernel(kernel)
}

/** The same, after A has written F1: its slot is dirty, and its entry writable. */
export function bootWritten(preset: string, boot: Boot = {}): RemovalKernel {
  const k = bootFiles(preset, boot)
  k.task('A')
    .begins(userStore, { vpn: k.vpn('A'), value: F1DATA })
    .finishes()
  return k
}

/** The series of 2021; A has written F1, and asks to be told early of lost memory. */
export function bootEarly(): RemovalKernel {
  const k = bootWritten('surprise-remove-2021')
  k.task('A').row.mce_kill = 'early'
  return k
}

/** dax0.0, which A and B map from its first page on; A looks at P3, B at P4. */
export function bootDevice(preset: string, { policies, align = 1 }: Boot = {}): RemovalKernel {
  const pages = align === 1 ? PAGES : PAGES * 512
  const machine = machineOf(pages, 'dax0.0')
  const kernel = bootDeviceMachine(setupOf(preset, policies), machine, align)
  for (const who of ['A', 'B'])
    run(kernel, who, dax_mmap, { inode: 1, pages, pgoff: 0, label: who, private: 0 })
  return new RemovalKernel(kernel)
}

/** The same; A has registered P3 with an RDMA adapter. */
export function bootRegistered(preset: string, boot: Boot = {}): RemovalKernel {
  const k = bootDevice(preset, boot)
  k.registers('A').finishes()
  return k
}
