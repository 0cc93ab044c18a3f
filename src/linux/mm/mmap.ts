import { int, type Ref, ref, text, wide } from '../../arena'
import { PMD_PAGES } from '../arch/x86/pgtable'
import { evict } from '../fs/inode'
import { absence, unusedInode } from '../fs/open-files'
import { EINVAL, ENOMEM, EOPNOTSUPP } from '../include/errno'
import { VM } from '../include/mm_types'
import type { Kernel } from '../kernel'
import { andIomemUnlocked, isIomemInode } from '../kernel/iomem-mapping'
import { operation } from '../operation'
import { hasPageCache } from './filemap'
import { ownMm, untilMmapWritable } from './locks'
import { isPfnmap } from './memory-pfnmap'
import { unmap_page_range } from './memory-zap'
import { hasArea, zap } from './rmap'
import { lru_add_drain } from './swap'

/** Where areas of the simulation begin: PGD 255, PUD 130, PMD 184, so that indices are small to read. */
const MMAP_BASE = 255 * 512 ** 3 + 130 * 512 ** 2 + 184 * 512

/** thp_get_unmapped_area(): above what is mapped, congruent with the file modulo 2 MiB. */
export function unmappedArea(k: Kernel, mm: number, pgoff: number): number {
  const areas = k.vmas.rows().filter(({ vm_mm }) => vm_mm === mm)
  const free = Math.max(MMAP_BASE, ...areas.map(({ vm_end }) => vm_end))
  const distance = (((pgoff - free) % PMD_PAGES) + PMD_PAGES) % PMD_PAGES
  return free + distance
}

export const PRIVATE_RW = VM.read | VM.write | VM.mayread | VM.maywrite | VM.softdirty

/** Makes the area of a shared mapping of a device; undefined if there is no room. */
export function makeArea(
  k: Kernel,
  mm: number,
  { inode, pages, pgoff, label }: { inode: number; pages: number; pgoff: number; label: string },
): number | undefined {
  const vm_start = unmappedArea(k, mm, pgoff)
  const vm_flags = PRIVATE_RW | VM.shared | VM.hugepage
  const place = { vm_start, vm_end: vm_start + pages, vm_pgoff: pgoff }
  const vm_mm = k.mms.at(mm).id
  const vm_file = k.inodes.at(inode).id
  return k.vmas.alloc({ vm_mm, vm_file, vm_flags, label, ...place })?.id
}

/** What one kind of mmap(2) of a file says, and what it asks for. */
interface FileMapping {
  readonly name: string
  readonly does: string
  readonly leftOut: string
  readonly label: string
  readonly step: string
  /** VM_SYNC, or 0. */
  readonly sync: number
}

/** mmap(2) of a file, with MAP_SYNC or without. Returns the number of the area, or an errno. */
export const mmapOf = ({ name, does, leftOut, label, step, sync }: FileMapping) =>
  operation({
    name,
    does,
    source: { file: 'mm/mmap.c', fn: 'do_mmap', version: '6.12' },
    leftOut,
    via: ['vm_mmap_pgoff', 'ksys_mmap_pgoff'],
    start: {
      label,
      on: ['inode'],
      by: 'process',
      args: (k, { id }) => {
        const pages = Math.max(1, Math.ceil(k.inodes.at(id).i_size / 4096))
        return { inode: k.inodes.at(id).id, pages, pgoff: 0, label: areaLabel(k), private: 0 }
      },
      refuse(k, { inode, pages, pgoff, private: isPrivate }, task) {
        if (k.tasks.at(task).mm === 0) return 'This thread has no address space here.'
        const absent = absence(k, inode)
        if (absent !== undefined) return absent
        if (k.superBlocks.at(k.inodes.at(inode).i_sb).s_type === 'sysfs')
          return 'A file of sysfs is mapped by its driver.'
        if (isIomemInode(k, inode)) return 'This is a file of I/O memory: open it first.'
        if (k.vmas.isFull) return 'This simulation has no room for another mapping.'
        if (isPrivate === 1 && sync !== 0) return 'MAP_SYNC goes with MAP_SHARED_VALIDATE alone.'
        const sane = pages > 0 && pages <= 2 ** 32 && pgoff >= 0 && pgoff <= 2 ** 36
        return sane
          ? undefined
          : 'Length and offset must be positive, and no more than the file system can hold.'
      },
    },
    params: { inode: ref('inode'), pages: wide(), pgoff: wide(), label: text(), private: int() },
    entry: 'map',
    steps: {
      map: {
        does: step,
        fn: 'mmap_region',
        when: ownMm(untilMmapWritable),
        run(k, t) {
          if (t.pages === 0) return t.done(-EINVAL)
          if (sync !== 0 && hasPageCache(k, t.inode)) return t.done(-EOPNOTSUPP)
          const { mm } = t.task
          const vm_start = unmappedArea(k, mm, t.pgoff)
          const dax = hasPageCache(k, t.inode) ? 0 : VM.hugepage
          const vma = k.vmas.alloc({
            vm_mm: mm,
            vm_start,
            vm_end: vm_start + t.pages,
            vm_flags: PRIVATE_RW | dax | (t.private === 1 ? 0 : VM.shared | sync),
            vm_file: t.inode,
            vm_pgoff: t.pgoff,
            label: t.label,
          })
          return t.done(vma === undefined ? -ENOMEM : vma.id)
        },
      },
    },
  })

export const do_mmap = mmapOf({
  name: 'do_mmap',
  does: 'Maps a file, shared or private.',
  leftOut: 'MAP_FIXED, merging of areas, limits.',
  label: 'Map this file',
  step: 'Find a free range of addresses, and make the area. No page, no entry yet.',
  sync: 0,
})

/** Private memory without a file. Returns the number of the area. */
export const mapAnonymous = operation({
  name: 'mapAnonymous',
  does: 'Maps anonymous private memory.',
  source: { file: 'mm/mmap.c', fn: 'do_mmap', version: '6.12' },
  leftOut: 'MAP_FIXED, merging of areas, limits; areas begin at multiples of 2 MiB here.',
  via: ['vm_mmap_pgoff', 'ksys_mmap_pgoff'],
  start: {
    label: 'Map anonymous memory',
    on: ['mm', 'task'],
    by: 'process',
    args: (k) => ({ pages: 1, huge: 0, label: areaLabel(k) }),
    refuse(k, { pages, huge }, task) {
      if (k.tasks.at(task).mm === 0) return 'This thread has no address space here.'
      if (k.vmas.isFull) return 'This simulation has no room for another mapping.'
      if (huge !== 0 && huge !== 1) return 'Huge pages are asked for (1) or not (0).'
      return pages > 0 && pages <= 2 ** 20 ? undefined : 'Map from 1 page to 4 GiB.'
    },
  },
  params: { pages: wide(), huge: int(), label: text() },
  entry: 'map',
  steps: {
    map: {
      does: 'Find a free range of addresses, and make the area. No page, no entry yet; what will be mapped is read-only until it is written.',
      fn: 'mmap_region',
      when: ownMm(untilMmapWritable),
      run(k, t) {
        const { mm } = t.task
        const vm_start = unmappedArea(k, mm, 0)
        const vma = k.vmas.alloc({
          vm_mm: mm,
          vm_start,
          vm_end: vm_start + t.pages,
          vm_flags: PRIVATE_RW | (t.huge === 1 ? VM.hugepage : 0),
          vm_pgoff: vm_start,
          label: t.label,
        })
        return t.done(vma === undefined ? -ENOMEM : vma.id)
      },
    },
  },
})

/** The next letter that no area has. */
export function areaLabel(k: Kernel): string {
  const used = new Set(k.vmas.rows().map(({ label }) => label))
  return [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'].find((letter) => !used.has(letter)) ?? 'Z'
}

/** The area is gone; its row may be another’s. */
function freeArea(k: Kernel, t: { vma: Ref<'vm_area_struct'> }): void {
  k.vmas.free(t.vma)
  t.vma = 0
}

/** §2.5 of the pins sheet. */
export const do_munmap = operation({
  name: 'do_munmap',
  does: 'Unmaps an area.',
  source: { file: 'mm/mmap.c', fn: 'do_vmi_munmap', version: '6.12' },
  leftOut:
    'Partial unmapping; page table pages. The entries of I/O memory and of DAX go in the first step.',
  via: ['__x64_sys_munmap'],
  start: {
    label: 'Unmap this area',
    on: ['vma'],
    by: 'process',
    args: (k, { id }) => ({ vma: k.vmas.at(id).id }),
    refuse(k, { vma }, task) {
      if (!hasArea(k, vma)) return 'There is no such area.'
      return k.vmas.at(vma).vm_mm === k.tasks.at(task).mm
        ? undefined
        : 'The area is of another process.'
    },
  },
  params: { vma: ref('vm_area_struct') },
  locals: { mm: ref('mm_struct'), start: wide(), end: wide() },
  entry: 'detach',
  steps: {
    detach: {
      does: 'Under mmap_lock, take the area out of the address space; then hold the lock for reading only. Its file still has it: who clears the file’s mappings finds it.',
      fn: 'do_vmi_align_munmap',
      when: ownMm(andIomemUnlocked(untilMmapWritable)),
      run(k, t) {
        if (!hasArea(k, t.vma)) return t.done(-EINVAL)
        const { vm_mm, vm_start, vm_end, vm_file } = k.vmas.at(t.vma)
        // I/O memory stays in i_mmap until its entries are gone; a claim clears them all the same.
        if (isPfnmap(k.vmas.at(t.vma))) zap(k, vm_mm, vm_start, vm_end)
        t.mm = vm_mm
        t.start = vm_start
        t.end = vm_end
        k.vmas.at(t.vma).detached = 1
        if (vm_file === 0 || isPfnmap(k.vmas.at(t.vma))) freeArea(k, t)
        k.mms.at(t.mm).mmap_readers += 1
        return 'drain'
      },
    },
    drain: {
      does: 'Drain this CPU’s LRU batches, and clear the entries. A page that is pinned stays pinned: DMA goes on.',
      fn: 'unmap_region',
      run(k, t) {
        lru_add_drain(k, t.task.id)
        const { mm, start, end } = t
        return t.call(unmap_page_range, { mm, start, end, explicit: 1 }, 'unlock')
      },
    },
    unlock: {
      does: 'Take the area out of i_mmap of its file, drop its reference of the file, and mmap_lock.',
      fn: 'vms_complete_munmap_vmas',
      run(k, t) {
        k.mms.at(t.mm).mmap_readers -= 1
        if (t.vma !== 0) freeArea(k, t)
        const unused = unusedInode(k, t.task.id)
        return unused === undefined ? t.done() : t.call(evict, { inode: unused.id }, 'evicted')
      },
    },
    evicted: {
      does: 'The area was the last user of its file, which had no name any more: the file is gone too.',
      fn: '____fput',
      run: (_k, t) => t.done(),
    },
  },
})
