import { dmaWrite } from '../linux/drivers/dma/engine'
import { dax_make_entry } from '../linux/fs/dax-entries'
import { daxWrite } from '../linux/fs/dax-rw'
import { ownerOfBlock } from '../linux/fs/extents'
import { truncateArgs } from '../linux/fs/shrink'
import { xfs_vn_setattr } from '../linux/fs/xfs/xfs_file'
import { get_user_pages_fast, pin_user_pages_fast, unpin_user_pages } from '../linux/mm/gup'
import { do_mmap, do_munmap } from '../linux/mm/mmap'
import { mapSync } from '../linux/mm/mmap-sync'
import { userLoad, userStore } from '../linux/mm/user-access'
import type { DaxMachine } from '../scenarios/dax-boot'
import { bootDaxMachine } from '../scenarios/dax-machine'
import { type MemorySeed, seedMemory } from '../scenarios/memory-machine'
import { run } from '../scenarios/pmem-machine'
import { setupOf } from './preset-setup'
import { F1DATA, FIRST, P3, RemovalKernel } from './removal-kernel'

/** What is in a block: what A wrote to F1, what C writes to F2, and what the NVMe drive sends. */
export const F2DATA = 0xf2
export const NVME = 0xd1
export const F1 = 1

/** The value of an entry in i_pages, as §2.1 of the DAX sheet encodes it: (pfn << 4) | flags. */
export const encodeEntry = (entry: { pfn: number; flags: number }): string =>
  `0x${dax_make_entry(entry).value.toString(16)}`

type Thread = ReturnType<RemovalKernel['task']>

/** A machine of the examples W1 to W16, in the words of their columns. */
export class TruncateKernel extends RemovalKernel {
  /** Column slot: F1.iPages[0], `∅` where it is absent. */
  slotOf(index = 0): string {
    const entries = this.kernel.daxEntries.in(F1)
    return entries.has(index) ? encodeEntry(entries.at(index)) : '∅'
  }

  /** Column own: the file that has the block, or `free`. */
  own(pfn = P3): string {
    const inode = ownerOfBlock(this.kernel, pfn)
    return inode === undefined ? 'free' : this.kernel.inodes.at(inode).name
  }

  /** Column PTE. */
  entry(who = 'A', page = 0): string {
    const vma = this.kernel.vmas.find(({ vm_mm }) => vm_mm === this.task(who).row.mm)
    if (vma === undefined) return 'none'
    const ptes = this.kernel.ptes.in(vma.vm_mm)
    return ptes.has(vma.vm_start + page) ? `P${ptes.at(vma.vm_start + page).pfn - FIRST}` : 'none'
  }

  /** Column cont: what the block holds. */
  cont(pfn = P3): number {
    return this.kernel.contents.at(pfn).value
  }

  /** Column locks: who has which lock of F1, `T:I,M`. */
  get locks(): string {
    const { iolock, mmaplock, mmaplock_shared } = this.kernel.inodes.at(F1)
    const name = (task: number) => (task === 0 ? '' : this.kernel.tasks.at(task).name)
    const holder = name(iolock) || name(mmaplock)
    const held = [iolock && 'I', mmaplock && 'M'].filter(Boolean).join(',')
    const shared = mmaplock_shared === 0 ? '' : `m${mmaplock_shared}`
    return [held === '' ? '' : `${holder}:${held}`, shared].filter(Boolean).join(' ') || '–'
  }

  /** Columns ref, PTE, slot and own, and what the block holds. */
  get row(): [ref: number, pte: string, slot: string, own: string, cont: number] {
    return [this.ref(P3), this.entry(), this.slotOf(), this.own(), this.cont()]
  }

  gup(who: string, kind: 'GET' | 'PIN', { pages = 1, page = 0, write = 1 } = {}): Thread {
    const start = this.vpn(who) + page
    const args = { start, pages, write, longterm: 0, force: 0 }
    return this.task(who).begins(kind === 'GET' ? get_user_pages_fast : pin_user_pages_fast, args)
  }

  unpin(who: string, handle = 1): void {
    this.task(who).begins(unpin_user_pages, { handle }).finishes()
  }

  /** Step D of the tables: the store of the device arrives, wherever the page is now. */
  dma(handle = 1): void {
    this.task('D').begins(dmaWrite, { handle, page: 0, value: NVME }).finishes()
  }

  truncate(): Thread {
    return this.task('T').begins(xfs_vn_setattr, truncateArgs(this.kernel, F1, 0))
  }

  touch(who = 'A', page = 0): string {
    const task = this.task(who)
    task.begins(userLoad, { vpn: this.vpn(who) + page, value: 0 }).finishes()
    return task.row.signal === 'none' ? String(task.row.value) : task.row.si_code
  }

  munmap(who = 'A'): void {
    const { mm } = this.task(who).row
    const vma = this.kernel.vmas.find(({ vm_mm }) => vm_mm === mm)?.id
    this.task(who).begins(do_munmap, { vma }).finishes()
  }

  /** Step C of the tables: another file gets the first block from b3 on that is free, and is written. */
  createsF2(): string {
    const { kernel: k } = this
    const blocks = [3, 4, 5, 6, 7].map((b) => FIRST + b)
    const pfn = blocks.find((block) => ownerOfBlock(k, block) === undefined) ?? 0
    const inode = k.inodes.make({
      name: 'F2',
      i_ino: 132,
      i_sb: k.superBlocks.at(1).id,
      i_size: 4096,
    })
    k.extents.in(inode.id).fill(0, 1, { pfn })
    const args = { inode: inode.id, pos: 0, length: 4096, value: F2DATA }
    this.task('C').begins(daxWrite, args).finishes()
    return `b${pfn - FIRST}`
  }
}

interface Boot {
  readonly policies?: Readonly<Record<string, string>>
  /** Pages of F1, at blocks 3 and 4. */
  readonly pages?: 1 | 2
  /** Who maps F1 from its first page on. */
  readonly mappers?: readonly string[]
  readonly memory?: MemorySeed
  /** Maps with MAP_SYNC. */
  readonly sync?: boolean
}

const machine: DaxMachine = {
  iomem: [
    { name: 'Persistent Memory', start: 0x480000000, end: 0x4ffffffff, flags: 0x200, children: [] },
  ],
  namespace: { name: 'namespace0.0', start: FIRST, end: FIRST + 8 },
  processes: [
    { comm: 'A', pid: 100 },
    { comm: 'B', pid: 101 },
  ],
  admins: ['T', 'C', 'D', 'R', 'reap', 'break'],
  sizes: { hotplug: 1 },
}

/** F1 at b3, mapped and not touched yet. */
export function bootUntouched(preset: string, boot: Boot = {}): TruncateKernel {
  const { policies = {}, pages = 1, mappers = ['A'], memory, sync = false } = boot
  const k = bootDaxMachine(setupOf(preset, policies), machine)
  if (memory !== undefined) seedMemory(k, memory, 'NORMAL')
  const inode = k.inodes.make({
    name: 'F1',
    i_ino: 131,
    i_sb: k.superBlocks.at(1).id,
    i_size: 4096 * pages,
  })
  k.extents.in(inode.id).fill(0, pages, { pfn: P3 })
  k.contents.fill(P3, P3 + pages, { value: 0 })
  for (const who of mappers)
    run(k, who, sync ? mapSync : do_mmap, { inode: F1, label: who, pages, pgoff: 0, private: 0 })
  return new TruncateKernel(k)
}

/** The initial state of the tables: A has written F1DATA, and PTE→P3 is writable. */
export function bootF1(preset: string, boot: Boot = {}): TruncateKernel {
  const k = bootUntouched(preset, boot)
  const args = { vpn: k.vpn('A'), value: F1DATA }
  k.task('A').begins(userStore, args).finishes()
  return k
}
