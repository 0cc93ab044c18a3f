import { ref, text, wide } from '../../arena'
import { PMD_PAGES } from '../arch/x86/pgtable'
import { EINVAL, ENOMEM } from '../include/errno'
import { VM } from '../include/mm_types'
import type { Kernel } from '../kernel'
import { operation } from '../operation'
import { zap } from './rmap'

/** Where areas of the simulation begin: PGD 255, PUD 130, PMD 184, so that indices are small to read. */
const MMAP_BASE = 255 * 512 ** 3 + 130 * 512 ** 2 + 184 * 512

/** thp_get_unmapped_area(): above what is mapped, congruent with the file modulo 2 MiB. */
function unmappedArea(k: Kernel, mm: number, pgoff: number): number {
  const areas = k.vmas.rows().filter(({ vm_mm }) => vm_mm === mm)
  const free = Math.max(MMAP_BASE, ...areas.map(({ vm_end }) => vm_end))
  const distance = (((pgoff - free) % PMD_PAGES) + PMD_PAGES) % PMD_PAGES
  return free + distance
}

/** A shared mapping of a DAX file. Returns the number of the area. */
export const do_mmap = operation({
  name: 'do_mmap',
  does: 'Maps a file, MAP_SHARED.',
  source: { file: 'mm/mmap.c', fn: 'do_mmap', version: '6.12' },
  leftOut: 'MAP_PRIVATE, MAP_FIXED, MAP_SYNC, merging of areas, limits, and mmap_lock.',
  via: ['vm_mmap_pgoff', 'ksys_mmap_pgoff'],
  start: {
    label: 'Map this file',
    on: ['inode'],
    by: 'process',
    args: (k, { id }) => {
      const pages = Math.max(1, Math.ceil(k.inodes.at(id).i_size / 4096))
      return { inode: k.inodes.at(id).id, pages, pgoff: 0, label: areaLabel(k) }
    },
    refuse(k, { inode, pages, pgoff }, task) {
      if (k.tasks.at(task).mm === 0) return 'This thread has no address space here.'
      if (!k.inodes.isLive(inode)) return 'There is no such file.'
      if (k.vmas.isFull) return 'This simulation has no room for another mapping.'
      const sane = pages > 0 && pages <= 2 ** 32 && pgoff >= 0 && pgoff <= 2 ** 36
      return sane
        ? undefined
        : 'Length and offset must be positive, and no more than the file system can hold.'
    },
  },
  params: { inode: ref('inode'), pages: wide(), pgoff: wide(), label: text() },
  entry: 'map',
  steps: {
    map: {
      does: 'Find a free range of addresses, and make the area. No page, no entry yet.',
      fn: 'mmap_region',
      run(k, t) {
        if (t.pages === 0) return t.done(-EINVAL)
        const { mm } = t.task
        const vm_start = unmappedArea(k, mm, t.pgoff)
        const vma = k.vmas.alloc({
          vm_mm: mm,
          vm_start,
          vm_end: vm_start + t.pages,
          vm_flags:
            VM.read |
            VM.write |
            VM.shared |
            VM.mayread |
            VM.maywrite |
            VM.mixedmap |
            VM.hugepage |
            VM.softdirty,
          vm_file: t.inode,
          vm_pgoff: t.pgoff,
          label: t.label,
        })
        return t.done(vma === undefined ? -ENOMEM : vma.id)
      },
    },
  },
})

/** The next letter that no area has. */
function areaLabel(k: Kernel): string {
  const used = new Set(k.vmas.rows().map(({ label }) => label))
  return [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'].find((letter) => !used.has(letter)) ?? 'Z'
}

export const do_munmap = operation({
  name: 'do_munmap',
  does: 'Unmaps an area.',
  source: { file: 'mm/mmap.c', fn: 'do_vmi_munmap', version: '6.12' },
  leftOut: 'Partial unmapping, the TLB and its flush, page table pages.',
  via: ['__x64_sys_munmap'],
  start: {
    label: 'Unmap this area',
    on: ['vma'],
    by: 'process',
    args: (k, { id }) => ({ vma: k.vmas.at(id).id }),
    refuse(k, { vma }, task) {
      if (!k.vmas.isLive(vma)) return 'There is no such area.'
      return k.vmas.at(vma).vm_mm === k.tasks.at(task).mm
        ? undefined
        : 'The area is of another process.'
    },
  },
  params: { vma: ref('vm_area_struct') },
  entry: 'unmap',
  steps: {
    unmap: {
      does: 'Clear the entries. A page that is pinned stays pinned: DMA goes on.',
      fn: 'unmap_region',
      run(k, t) {
        if (!k.vmas.isLive(t.vma)) return t.done(-EINVAL)
        const { vm_mm, vm_start, vm_end } = k.vmas.at(t.vma)
        zap(k, vm_mm, vm_start, vm_end)
        return 'remove'
      },
    },
    remove: {
      does: 'Remove the area; the file loses one of its mappers.',
      fn: 'remove_vma',
      run(k, t) {
        k.vmas.free(t.vma)
        return t.done()
      },
    },
  },
})
