import { describe } from 'vitest'
import { bootGpu, bootLender, type GpuKernel } from '../../testing/gpu-kernel'
import type { Mutation } from '../../testing/mutate'
import { eachHasAMistake } from '../../testing/mutation-tests'
import { vpnOf } from '../../testing/test-kernel'
import { dmirror_device_remove, dmirror_migrate_to_device } from '../drivers/hmm/test_hmm'
import { p2pmem_alloc_mmap, pci_p2pdma_remove } from '../drivers/pci/p2pdma'
import { unmap_page_range } from '../mm/memory-zap'
import { memunmap_pages } from '../mm/memremap'
import { migrate_vma } from '../mm/migrate_device'
import { userLoad } from '../mm/user-access'
import { conservation } from './conservation'
import { handedOutMeansLive } from './handed-out-means-live'
import { mapcountCountsEntries } from './mapcount-counts-entries'
import { refsCoverMaps } from './refs-cover-maps'

const moves = (k: GpuKernel) =>
  k.task('app').begins(dmirror_migrate_to_device, { vpn: k.vpn, device: 1 }).finishes()
const maps = (k: GpuKernel) =>
  k
    .task('app')
    .begins(p2pmem_alloc_mmap, { device: 1, pages: 1, private: 0, label: 'P' })
    .finishes()

const mistakes: readonly Mutation<GpuKernel>[] = [
  {
    breaks: handedOutMeansLive,
    mistake: 'the removal does not wait for pages in use',
    operation: memunmap_pages,
    step: 'switch_to_atomic',
    mutant(k, t, original) {
      original(k, t)
      k.pgmaps.at(1).state = 'dead'
      return 'remove_memory'
    },
    boot: () => bootGpu('v6.12', { policies: { deviceEvict: 'leave' } }),
    schedule(k) {
      moves(k)
      k.task('root').begins(dmirror_device_remove, { device: 1 }).runs()
    },
    says: 'an entry of app names page 0x3ffff8000 of gpu0, whose pgmap is dead',
  },
  {
    breaks: handedOutMeansLive,
    mistake: 'the removal of a BAR leaves its mappings',
    operation: pci_p2pdma_remove,
    step: 'unmap',
    mutant(k) {
      k.pgmaps.at(1).ref -= 1
      return 'memunmap'
    },
    boot: () => bootLender('v6.12'),
    schedule(k) {
      maps(k)
      k.task('root').begins(pci_p2pdma_remove, { device: 1 }).runs()
    },
    says: 'an entry of app names page 0xe0000 of a PCI device, whose pgmap is dead',
  },
  {
    breaks: conservation,
    mistake: 'a page that is handed out counts what it counted before',
    operation: migrate_vma,
    step: 'alloc',
    mutant(k, t, original) {
      const next = original(k, t)
      k.pages.at(k.pgmaps.at(1).start).refcount = 0
      return next
    },
    schedule: moves,
    says: '_refcount of page 0x3ffff8000 is 0, but its holders add up to 1',
  },
  {
    breaks: mapcountCountsEntries,
    mistake: 'a device-private entry does not count as one',
    operation: migrate_vma,
    step: 'remap',
    mutant(k, t, original) {
      const next = original(k, t)
      if (next === 'remap') k.pages.at(k.pgmaps.at(1).start).mapcount = -1
      return next
    },
    schedule: moves,
    says: 'page_mapcount of page 0x3ffff8000 is 0, but 1 entry maps it',
  },
  {
    breaks: refsCoverMaps,
    mistake: 'a page of a BAR is put twice as its entry is cleared',
    operation: unmap_page_range,
    step: 'clear_pte',
    mutant(k, t, original) {
      const { start } = k.pgmaps.at(1)
      if (k.pages.at(start).refcount > 0) k.pages.at(start).refcount -= 1
      return original(k, t)
    },
    boot: () => bootLender('v6.12'),
    schedule(k) {
      maps(k)
      k.task('app 2')
        .begins(userLoad, { vpn: vpnOf(k, 'P'), value: 0 })
        .finishes()
      k.task('root').begins(pci_p2pdma_remove, { device: 1 }).runs()
    },
    says: 'page 0xe0000 is mapped 1 times, and has 0 references',
  },
]

describe('every property of pages that a driver hands out', () => {
  const properties = [handedOutMeansLive, conservation, mapcountCountsEntries, refsCoverMaps]
  eachHasAMistake(properties, mistakes, () => bootGpu('v6.12'))
})
