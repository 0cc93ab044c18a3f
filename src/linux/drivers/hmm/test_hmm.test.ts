import { describe, expect, it } from 'vitest'
import { bootGpu, type GpuKernel } from '../../../testing/gpu-kernel'
import { pteValue } from '../../arch/x86/pgtable'
import { EAGAIN, EBUSY, ENXIO } from '../../include/errno'
import { do_exit } from '../../kernel/exit'
import { kernel_clone } from '../../kernel/fork'
import { get_user_pages_fast, pin_user_pages_fast, unpin_user_pages } from '../../mm/gup'
import { memory_failure } from '../../mm/memory-failure'
import { mprotect_fixup } from '../../mm/mprotect'
import { userLoad, userStore } from '../../mm/user-access'
import { dmirror_device_remove, dmirror_migrate_to_device } from './test_hmm'

const toDevice = (k: GpuKernel, who = 'app') =>
  k.task(who).begins(dmirror_migrate_to_device, { vpn: k.vpn, device: 1 })
const loads = (k: GpuKernel, who = 'app') => k.task(who).begins(userLoad, { vpn: k.vpn, value: 0 })
const unbinds = (k: GpuKernel) => k.task('root').begins(dmirror_device_remove, { device: 1 })
const pins = { pages: 1, write: 1, longterm: 0, force: 0 }

/** On the device: one migration to its end. */
function onDevice(preset: string, about: Parameters<typeof bootGpu>[1] = {}): GpuKernel {
  const k = bootGpu(preset, about)
  toDevice(k)
  expect(k.checked('app')).toBe(0)
  return k
}

describe('§1.7: a page that lives on the device', () => {
  const eras = [
    ['v5.12', 'live:9', '1/-1', 'live:9', '2/0'],
    ['v5.18', 'live:9', '1/-1', 'live:9', '1/0'],
    ['v6.0', 'live:9', '1/-1', 'live:9', '1/0'],
    ['v6.1', 'live:1', '0/-1', 'live:2', '1/0'],
    ['v6.12', 'live:1', '0/-1', 'live:2', '1/0'],
    ['v6.17', 'live:1', '0/-1', 'live:2', '1/0'],
  ] as const

  it.each(eras)(
    '%s: idle pgmap %s, page %s; in use %s, %s; and back',
    (era, pg, idle, used, count) => {
      const k = bootGpu(era)
      expect([k.pg, k.count]).toEqual([pg, idle])
      toDevice(k)
      k.checked('app')
      expect([k.pg, k.count, k.where()]).toEqual([used, count, 'device_private_write D'])
      loads(k)
      k.checked('app')
      expect([k.pg, k.count, k.where(), k.task('app').row.value]).toEqual([
        pg,
        idle,
        'leaf R',
        0x50,
      ])
      expect(k.kernel.devmemFree.has(k.first)).toBe(true)
    },
  )

  it.each(eras)('%s: an exit puts the page, and its driver has it back', (era, pg, idle) => {
    const k = onDevice(era)
    k.task('app 2').begins(do_exit)
    k.checked('app 2')
    k.task('app').begins(do_exit)
    k.checked('app')
    expect([k.pg, k.count, k.kernel.devmemFree.has(k.first)]).toEqual([pg, idle, true])
  })

  it('is at the highest addresses that nobody has, and no CPU can address them', () => {
    const k = bootGpu('v6.12')
    const { start, end, desc, name } = k.kernel.resources.at(k.kernel.dmirrors.at(1).resource)
    expect([start, end, desc, name]).toEqual([
      2 ** 46 - 2 ** 27,
      2 ** 46 - 2 ** 27 + 0x7fff,
      'DEVICE_PRIVATE_MEMORY',
      'hmm_dmirror',
    ])
  })

  it('of coherent memory is mapped by a present entry, and the CPU writes to it there', () => {
    const k = onDevice('v6.12', { type: 'COHERENT' })
    expect([k.pg, k.count, k.where()]).toEqual(['live:2', '1/0', 'leaf D'])
    k.task('app').begins(userStore, { vpn: k.vpn, value: 0x51 })
    k.checked('app')
    expect([k.where(), k.kernel.contents.at(k.first).value]).toEqual(['leaf D', 0x51])
    k.task('app').begins(do_exit)
    k.task('app').finishes()
    k.task('app 2').begins(do_exit)
    k.checked('app 2')
    expect([k.pg, k.count]).toEqual(['live:1', '0/-1'])
  })

  it('frees the ordinary page that it came from once the LRU batch is drained', () => {
    const k = onDevice('v6.12')
    expect(k.drain().kernel.freePages.has(0x12345)).toBe(true)
  })
})

describe('a device-private entry', () => {
  it('has the value of its swap type, with the pfn as its offset', () => {
    const k = onDevice('v6.12')
    const { kind, pfn, flags } = k.kernel.ptes.in(1).at(k.vpn)
    // SWP_DEVICE_WRITE is type 27, in bits 59 to 63; pfn 0x3ffff8000, inverted, in bits 9 to 58.
    expect(pteValue({ kind, pfn, flags })).toBe(0xdffff80000fffe02n)
  })

  it('is shared by fork, read-only; the first touch brings the page back for both', () => {
    const k = onDevice('v6.12')
    k.task('app').begins(kernel_clone, { name: 'child' })
    k.checked('app')
    expect([k.where(), k.where('child'), k.count]).toEqual([
      'device_private_read D',
      'device_private_read D',
      '2/1',
    ])
    loads(k, 'child')
    k.checked('child')
    expect([k.where(), k.where('child'), k.count]).toEqual(['leaf R', 'leaf R', '0/-1'])
    k.task('child').begins(userStore, { vpn: k.vpn, value: 0x51 })
    k.checked('child')
    loads(k)
    k.checked('app')
    expect(k.task('app').row.value).toBe(0x50)
  })

  it('loses its write permission by mprotect', () => {
    const k = onDevice('v6.12')
    const vma = k.kernel.vmas.find(({ label }) => label === 'A')?.id
    k.task('app').begins(mprotect_fixup, { vma, read: 1, write: 0 }).finishes()
    expect(k.where()).toBe('device_private_read D')
  })

  it('is no page for GUP: the page is faulted back, and pinned in ordinary memory', () => {
    const k = onDevice('v6.12')
    k.task('app').begins(pin_user_pages_fast, { start: k.vpn, ...pins })
    expect(k.checked('app')).toBe(1)
    expect([k.where(), k.pg, k.count]).toEqual(['leaf R', 'live:1', '0/-1'])
  })

  it('makes another thread wait while its page is on the way', () => {
    const k = onDevice('v6.12')
    loads(k).runTo('copy')
    const other = loads(k, 'app 2').runs()
    expect([other.next, other.reason]).toEqual([
      'wait_migration',
      'waits for the page to be migrated: its entry is a migration entry',
    ])
    expect(k.kernel.machine.holders(other.id)).toEqual([{ task: k.task('app').id, until: 'call' }])
    k.checked('app')
    other.finishes()
    expect(other.row.value).toBe(0x50)
  })
})

describe('a page that cannot move', () => {
  it.each(['v5.12', 'v6.12'])('stays where it is while somebody else refers to it, %s', (era) => {
    const k = bootGpu(era)
    k.task('app 2')
      .begins(get_user_pages_fast, { start: k.vpn, ...pins })
      .finishes()
    toDevice(k)
    expect(k.checked('app')).toBe(-EAGAIN)
    expect([k.where(), k.task('app').row.value]).toEqual(['leaf R', 0])
    loads(k)
    k.checked('app')
    expect(k.task('app').row.value).toBe(0x50)
  })

  it('stays while another thread migrates it', () => {
    const k = bootGpu('v6.12')
    toDevice(k).runTo('isolate')
    expect(toDevice(k, 'app 2').finishes()).toBe(-EBUSY)
    expect(k.checked('app')).toBe(0)
  })
})

describe('§1.5, row 3: memunmap_pages() and pages in use', () => {
  it('waits for them up to 5.17: for whoever maps them', () => {
    const k = onDevice('v5.12')
    const root = unbinds(k).runs()
    expect([root.next, k.pg, k.count]).toEqual(['wait_done', 'dying:1', '1/0'])
    expect(root.reason).toBe(
      'waits for pgmap->done: 1 reference is left; pages are in use by app, app 2',
    )
    expect(k.kernel.machine.holders(root.id)).toEqual(
      ['app', 'app 2'].map((name) => ({
        task: k.task(name).id,
        by: 'a page table entry',
        until: 'owner',
      })),
    )
    k.task('app').begins(do_exit).finishes()
    k.task('app 2').begins(do_exit).finishes()
    expect([root.finishes(), k.pg]).toEqual([0, 'exited'])
  })

  it('lets nothing move while it waits, up to 5.17: a load goes round at migrate_page_move_mapping()', () => {
    const k = onDevice('v5.12')
    unbinds(k).runs()
    const app = loads(k)
    for (const _round of [1, 2]) {
      app.runTo('unmap').step().step()
      expect([app.next, k.count]).toEqual(['alloc', '1/-1'])
      app.step().step()
      expect(app.next).toBe('migrate')
      app.step()
      expect(app.next).toBe('restore')
      app.runTo('collect')
      expect([k.count, k.where()]).toEqual(['1/0', 'device_private_write D'])
    }
  })

  it.each(['v5.18', 'v6.0'])('does not in %s: the exit of the process is an oops', (era) => {
    const k = onDevice(era)
    unbinds(k).finishes()
    expect([k.pg, k.count, k.where()]).toEqual(['exited', '–', 'device_private_write D'])
    k.task('app').begins(do_exit).finishes()
    k.task('app 2').begins(do_exit).finishes()
    expect(k.logLines.join()).toContain('a struct page that no longer exists')
  })

  it('and in 5.18 so is a load, which kills the thread', () => {
    const k = onDevice('v5.18')
    unbinds(k).finishes()
    loads(k).finishes()
    expect(k.task('app').row.signal).toBe('SIGKILL')
    expect(k.logLines.join()).toContain('RIP: do_swap_page')
  })

  it.each(['migrate', 'remap', 'finalize'])(
    'and so is a migration to it that is at %s: the page stays in memory',
    (step) => {
      const k = bootGpu('v5.18')
      const app = toDevice(k).runTo(step)
      unbinds(k).finishes()
      expect(app.finishes()).toBeLessThan(0)
      expect(k.logLines.filter((line) => line.startsWith('BUG'))).toHaveLength(1)
      expect(k.logLines.at(-1)).toBe('Call Trace: dmirror_migrate_to_device')
    },
  )

  it('and a migration back that has lost its page', () => {
    const k = onDevice('v5.18')
    const app = loads(k).runTo('unmap')
    unbinds(k).finishes()
    app.runTo('after_fault')
    expect(k.logLines.slice(-2)).toEqual([
      'RIP: try_to_migrate',
      'Call Trace: dmirror_devmem_fault',
    ])
  })

  it('and so is a fork', () => {
    const k = onDevice('v5.18')
    unbinds(k).finishes()
    k.task('app').begins(kernel_clone, { name: 'child' }).finishes()
    expect(k.logLines.join()).toContain('RIP: copy_nonpresent_pte')
  })

  it.each(['v6.1', 'v6.12', 'v6.15'])(
    'has none left in %s: the driver evicts them first',
    (era) => {
      const k = onDevice(era)
      unbinds(k)
      k.checked('root')
      expect([k.pg, k.where()]).toEqual(['exited', 'leaf R'])
      loads(k).finishes()
      expect(k.task('app').row.value).toBe(0x50)
    },
  )

  it('waits in 6.12 for those that a driver leaves, until a touch brings them back', () => {
    const k = onDevice('v6.12', { policies: { deviceEvict: 'leave' } })
    const root = unbinds(k).runs()
    expect([k.pg, root.reason]).toEqual([
      'dying:1',
      'waits for pgmap->done: 1 reference is left; pages are in use by app, app 2',
    ])
    loads(k).finishes()
    expect([root.finishes(), k.pg]).toEqual([0, 'exited'])
  })

  it('waits in 6.12 for a pinned coherent page, which cannot be evicted', () => {
    const k = onDevice('v6.12', { type: 'COHERENT' })
    k.task('app')
      .begins(pin_user_pages_fast, { start: k.vpn, ...pins })
      .finishes()
    const root = unbinds(k).runs()
    expect(root.reason).toBe(
      'waits for pgmap->done: 1 reference is left; pages are pinned by app (FOLL_PIN); pages are in use by app, app 2',
    )
    k.task('app 2').begins(do_exit).finishes()
    k.task('app').begins(unpin_user_pages, { handle: 1 }).finishes()
    expect(root.runs().reason).toContain('in use by app')
    k.task('app').begins(do_exit).finishes()
    expect(root.finishes()).toBe(0)
  })

  it('hands no page out while the driver goes', () => {
    const k = bootGpu('v6.12')
    toDevice(k).runTo('alloc')
    unbinds(k).runs()
    expect(k.checked('app')).toBeLessThan(0)
    expect([k.pg, k.where()]).toEqual(['exited', 'leaf R'])
  })
})

describe('§5.4: a memory error in memory that is migrated to', () => {
  it.each(['PRIVATE', 'COHERENT'] as const)('cannot be handled: -ENXIO for %s', (type) => {
    const k = onDevice('v6.12', { type })
    k.task('root').begins(memory_failure, { pfn: k.first, flags: 0 })
    expect(k.task('root').finishes()).toBe(-ENXIO)
    expect(k.pg).toBe('live:2')
  })

  it('of a page that nobody uses belongs to no file: -EBUSY', () => {
    const k = bootGpu('v6.12')
    k.task('root').begins(memory_failure, { pfn: k.first, flags: 0 })
    expect(k.task('root').finishes()).toBe(-EBUSY)
  })
})
