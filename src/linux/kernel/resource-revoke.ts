import { int, ref, wide } from '../../arena'
import { devmem_is_allowed } from '../arch/x86/mm/init'
import { PAGE_SIZE } from '../include/mm'
import type { Kernel } from '../kernel'
import { untilNextPtl } from '../mm/locks'
import { zap } from '../mm/rmap'
import { operation } from '../operation'
import { linkedAreas, overlapOf, revokedPages } from './iomem-mapping'
import { resourceReadable } from './resource-lock'

/** Does a claim revoke at all? Up to 5.7 nobody did; a proposal may have the claim fail instead. */
export const mayRevoke = (k: Kernel): boolean =>
  k.policy.iomemClaim === 'revokeDevmem' || k.policy.iomemClaim === 'revokeAll'

/** RV of the iomem sheet, §2.4. */
export const revoke_iomem = operation({
  name: 'revoke_iomem',
  does: 'Takes the entries of user mappings of a range away that a driver has claimed.',
  source: {
    file: 'kernel/resource.c',
    fn: 'revoke_iomem',
    version: '6.12',
    evidence: 'recorded',
    note: 'revoke_devmem() in drivers/char/mem.c up to 5.11.',
  },
  leftOut: 'Private copies of pages (even_cows), which the simulation does not make of I/O memory.',
  params: { resource: ref('resource') },
  locals: { last: int(), mm: ref('mm_struct'), start: wide(), end: wide() },
  entry: 'begin',
  steps: {
    begin: {
      does: 'Without IO_STRICT_DEVMEM the function is empty. Before fs_initcall there is no iomem_inode, so nobody can have mapped anything: losing this race is fine.',
      run: (k, t) =>
        k.policy.ioStrictDevmem === 'off' || k.globals.iomem_inode === 0 ? t.done() : 'ask',
    },
    ask: {
      does: 'The range is BUSY by now, so devmem_is_allowed() should refuse its first and its last page. If it allows both, iomem=relaxed was given, or the range is below 1 MiB.',
      fn: 'devmem_is_allowed',
      when: resourceReadable,
      run(k, t) {
        const { start, end } = k.resources.at(t.resource)
        const pages = [start, end].map((address) => Math.floor(address / PAGE_SIZE))
        return pages.every((pfn) => devmem_is_allowed(k, pfn) !== 0) ? t.done() : 'lock'
      },
    },
    lock: {
      does: 'Take i_mmap_rwsem of iomem_inode for reading: no area can be linked or unlinked now.',
      fn: 'unmap_mapping_range',
      run(k) {
        k.globals.iomem_mmap_readers += 1
        return 'next_area'
      },
    },
    next_area: {
      does: 'The next area that maps a page of the range; none left: done.',
      fn: 'unmap_mapping_range_tree',
      run(k, t) {
        const { first, end } = revokedPages(k.resources.at(t.resource))
        const area = linkedAreas(k, first, end).find(({ id }) => id > t.last)
        if (area === undefined) return 'unlock'
        t.last = area.id
        t.mm = area.vm_mm
        Object.assign(t, overlapOf(area, first, end))
        return 'zap'
      },
    },
    zap: {
      does: 'Under the page table lock, clear the entries of the overlap; tell MMU notifiers, flush TLBs. Neither resource_lock nor the victim’s mmap_lock is taken.',
      fn: 'zap_page_range_single',
      when: untilNextPtl,
      run(k, t) {
        zap(k, t.mm, t.start, t.end)
        return 'next_area'
      },
    },
    unlock: {
      does: 'Drop i_mmap_rwsem: the driver’s claim may return.',
      fn: 'unmap_mapping_range',
      run(k, t) {
        k.globals.iomem_mmap_readers -= 1
        return t.done()
      },
    },
  },
})
