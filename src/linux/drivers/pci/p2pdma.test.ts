import { describe, expect, it } from 'vitest'
import { bootLender, type GpuKernel } from '../../../testing/gpu-kernel'
import { vpnOf } from '../../../testing/test-kernel'
import { bio_endio, directRead } from '../../fs/direct-io'
import { EBUSY, EINVAL, ENODEV, ENOMEM, EREMOTEIO } from '../../include/errno'
import { do_exit } from '../../kernel/exit'
import { get_user_pages_fast } from '../../mm/gup'
import { memory_failure } from '../../mm/memory-failure'
import { do_munmap } from '../../mm/mmap'
import { userLoad, userStore } from '../../mm/user-access'
import { p2pmem_alloc_mmap, pci_p2pdma_remove } from './p2pdma'

const maps = (k: GpuKernel, more: object = {}) =>
  k.task('app').begins(p2pmem_alloc_mmap, { device: 1, pages: 2, private: 0, label: 'P', ...more })
const unbinds = (k: GpuKernel) => k.task('root').begins(pci_p2pdma_remove, { device: 1 })
const unmaps = (k: GpuKernel) => {
  const vma = k.kernel.vmas.find(({ label }) => label === 'P')?.id
  return k.task('app').begins(do_munmap, { vma })
}
/** Two pages mapped, all properties judged. */
function mapped(preset: string): GpuKernel {
  const k = bootLender(preset)
  maps(k)
  expect(k.checked('app')).toBeGreaterThan(0)
  return k
}

describe('§1.7: memory of a BAR', () => {
  const eras = [
    ['v6.2', '1/-1'],
    ['v6.12', '1/-1'],
    ['v6.15', '0/-1'],
  ] as const

  it.each(eras)(
    '%s: idle %s; an entry counts 1 and holds the pgmap; munmap gives it back',
    (era, idle) => {
      const k = bootLender(era)
      expect([k.pg, k.count]).toEqual(['live:5', idle])
      maps(k)
      k.checked('app')
      expect([k.pg, k.count, k.kernel.devmemFree.has(k.first)]).toEqual(['live:7', '1/0', false])
      unmaps(k)
      k.checked('app')
      expect([k.pg, k.count, k.kernel.devmemFree.has(k.first)]).toEqual(['live:5', idle, true])
    },
  )

  it('is read and written by the CPU through the mapping', () => {
    const k = mapped('v6.12')
    k.task('app').begins(userStore, { vpn: vpnOf(k, 'P') + 1, value: 0x33 })
    k.checked('app')
    k.task('app 2').begins(userLoad, { vpn: vpnOf(k, 'P') + 1, value: 0 })
    k.checked('app 2')
    expect([k.task('app 2').row.value, k.kernel.contents.at(k.first + 1).value]).toEqual([
      0x33, 0x33,
    ])
  })

  it('goes back to the pool when the process exits', () => {
    const k = mapped('v6.12')
    k.task('app 2').begins(do_exit).finishes()
    k.task('app').begins(do_exit)
    k.checked('app')
    expect(k.pg).toBe('live:5')
  })
})

describe('p2pmem_alloc_mmap(): what fails', () => {
  it('a private mapping: -EINVAL', () => {
    expect(maps(bootLender('v6.12'), { private: 1 }).finishes()).toBe(-EINVAL)
  })

  it('more pages than the pool has: -ENOMEM', () => {
    const k = mapped('v6.12')
    expect(maps(k, { pages: 3 }).finishes()).toBe(-ENOMEM)
    expect(maps(k, { pages: 2 }).finishes()).toBeGreaterThan(0)
    expect(maps(k, { pages: 1 }).finishes()).toBe(-ENOMEM)
  })

  it('a device that goes, or is gone: -ENODEV', () => {
    const k = bootLender('v6.12')
    unbinds(k).runTo('drain')
    expect(maps(k).finishes()).toBe(-ENODEV)
    k.task('root').finishes()
    expect(maps(k).finishes()).toBe(-ENODEV)
  })
})

describe('GUP of memory of a BAR', () => {
  const args = (k: GpuKernel) => ({
    start: vpnOf(k, 'P'),
    pages: 1,
    write: 1,
    longterm: 0,
    force: 0,
  })

  it('is refused to who does not ask for it: -EREMOTEIO', () => {
    const k = mapped('v6.12')
    k.task('app').begins(get_user_pages_fast, args(k))
    expect(k.checked('app')).toBe(-EREMOTEIO)
    expect(k.count).toBe('1/0')
  })

  it('is given to O_DIRECT of a disk that can reach it, which writes into it', () => {
    const k = mapped('v6.12')
    k.task('app')
      .begins(directRead, { vpn: vpnOf(k, 'P'), value: 0xd1 })
      .runs()
    expect(k.count).toBe('1025/0')
    k.task('nvme0').begins(bio_endio, { handle: 1, value: 0xd1 })
    k.checked('nvme0')
    expect([k.task('app').finishes(), k.count]).toEqual([512, '1/0'])
    expect(k.kernel.contents.at(k.first).value).toBe(0xd1)
  })
})

describe('the unbind', () => {
  it('zaps the mapping, and so gets every page back', () => {
    const k = mapped('v6.12')
    unbinds(k)
    expect(k.checked('root')).toBe(0)
    expect([k.pg, k.count]).toEqual(['exited', '–'])
    k.task('app')
      .begins(userLoad, { vpn: vpnOf(k, 'P'), value: 0 })
      .finishes()
    expect([k.task('app').row.signal, k.task('app').row.si_code]).toEqual(['SIGBUS', 'BUS_ADRERR'])
  })

  it.each(['v6.2', 'v6.12', 'v6.15'])(
    'waits in %s for a page that a disk still writes to',
    (era) => {
      const k = mapped(era)
      k.task('app')
        .begins(directRead, { vpn: vpnOf(k, 'P'), value: 0xd1 })
        .runs()
      const root = unbinds(k).runs()
      expect([root.next, k.pg]).toEqual(['wait_done', 'dying:1'])
      expect(root.reason).toMatch(
        /^waits for pgmap->done: 1 reference is left; pages are pinned by app \(FOLL_(PIN|GET), O_DIRECT read\)$/,
      )
      k.holds()
      k.task('nvme0').begins(bio_endio, { handle: 1, value: 0xd1 })
      k.checked('nvme0')
      k.task('app').finishes()
      expect([k.checked('root'), k.pg]).toEqual([0, 'exited'])
    },
  )

  it('waits for an mmap() that is inside the file', () => {
    const k = bootLender('v6.12')
    maps(k).runTo('insert')
    const root = unbinds(k).runs()
    expect(root.reason).toBe('waits for mmap() of the file that is being removed')
    expect(k.kernel.machine.holders(root.id)).toEqual([{ task: k.task('app').id, until: 'call' }])
    k.checked('app')
    expect([root.finishes(), k.pg]).toEqual([0, 'exited'])
  })
})

describe('§5.4: a memory error in memory of a BAR', () => {
  it('belongs to no file: -EBUSY', () => {
    const k = mapped('v6.12')
    k.task('root').begins(memory_failure, { pfn: k.first, flags: 0 })
    expect(k.task('root').finishes()).toBe(-EBUSY)
  })
})
