import type { Kernel } from '../linux/kernel'
import { kernel_clone } from '../linux/kernel/fork'
import { pin_user_pages_fast, unpin_user_pages } from '../linux/mm/gup'
import { mapAnonymous } from '../linux/mm/mmap'
import { lru_add_drain_all } from '../linux/mm/swap'
import { userStore } from '../linux/mm/user-access'
import { bootMemoryMachine } from './memory-machine'
import { areaAt, counters, forks, handleOf, mappedBy, pageName, seedBuffer } from './memory-story'
import { run } from './pmem-machine'
import type { Scenario, Setup } from './scenario'

/** Forks children that sleep and are never heard of again: their threads are not kept. */
function seedSleepers(k: Kernel, who: string, count: number): void {
  for (let i = 0; i < count; i++) {
    const child = run(k, who, kernel_clone, { name: 'sleeper' })
    k.tasks.free(child)
  }
}

function build(setup: Setup): Kernel {
  const sleepers = setup.params['sleepers'] ?? 0
  const k = bootMemoryMachine(setup, {
    processes: [{ comm: 'parent', pid: 100 }],
    normal: { start: 0x12345, pages: 2 * sleepers + 64 },
    sizes: { mms: sleepers + 3, vmas: 2 * (sleepers + 3), tasks: 4 },
  })
  run(k, 'parent', mapAnonymous, { pages: 1, huge: 0, label: 'pinned once' })
  run(k, 'parent', userStore, { vpn: areaAt(k, 'pinned once'), value: 1 })
  seedBuffer(k, 'parent', 0x50)
  const start = areaAt(k, 'pinned once')
  run(k, 'parent', pin_user_pages_fast, { start, pages: 1, write: 1, longterm: 0, force: 0 })
  run(k, 'parent', unpin_user_pages, { handle: handleOf(k, 'parent') })
  lru_add_drain_all(k)
  seedSleepers(k, 'parent', sleepers)
  return k
}

/** §1.2 of the pins sheet, the false positive. */
export const aThousandChildren: Scenario = {
  name: 'a-thousand-children',
  title: '1,024 references look like a pin',
  question:
    'A page is shared with more than a thousand children. Does the next fork take it for pinned?',
  preset: 'v5.9',
  policies: ['forkCopy', 'cowReuse', 'pinCount'],
  params: {
    sleepers: {
      title: 'Children that exist already',
      initial: 1022,
      min: 0,
      max: 1100,
    },
  },
  simplified: ['The children sleep; only their address spaces are kept.'],
  build,
  story: [
    {
      title: 'One more child.',
      text: (policies, k) => {
        const page = mappedBy(k, 'parent')
        const pin =
          policies['pinCount'] === 'one' ? 'nothing' : 'one pin, or 1,024 plain references'
        return `${pageName(page)}: ${counters(k, page)}. There is no boundary between the two parts of _refcount: bit 10 means ${pin}.`
      },
      acts: [forks('parent', 'child')],
    },
    {
      title: 'And another.',
      text: (_policies, k) => {
        const page = mappedBy(k, 'parent')
        const child = mappedBy(k, 'child 2')
        return child === page
          ? `The page is shared once more: ${counters(k, page)}. Nobody asks whether a page may be pinned that is not exclusive, or nothing could be pinned at all here.`
          : `This child gets a copy, ${pageName(child)}, though nothing is pinned: the process has pinned another page once (MMF_HAS_PINNED is never cleared), and folio_maybe_dma_pinned() says yes. Wasteful, and harmless.`
      },
      acts: [forks('parent', 'child 2')],
    },
  ],
}
