import { describe, expect, it } from 'vitest'
import {
  bootDevice,
  bootWritten,
  P3,
  type RemovalKernel,
  TENANT2_KEY,
} from '../../../testing/removal-kernel'
import { truncateArgs } from '../../fs/shrink'
import { xfs_vn_setattr } from '../../fs/xfs/xfs_file'
import { EFAULT, ENXIO, EOPNOTSUPP } from '../../include/errno'
import { conservation } from '../../invariants/conservation'
import { noFreedBlockHeld } from '../../invariants/no-freed-block-held'
import { noPinWithoutPage } from '../../invariants/no-pin-without-page'
import { pin_user_pages_fast } from '../../mm/gup'
import { userLoad } from '../../mm/user-access'
import { dax_mmap, dev_dax_remove } from '../dax/device'
import { replaceDevice } from '../dax/replace'
import { dmaWrite } from '../dma/engine'
import { ib_umem_release } from './umem'
import { ib_umem_odp_get, ib_umem_odp_release, odpWrite } from './umem-odp'

const device = { device: 1 }
const handle = { handle: 1 }
const NIC = 0xd1
const PINNED = '1 1 1 1025 1 1 1 1'

const nicWrites = (k: RemovalKernel) =>
  k
    .task('R 2')
    .begins(dmaWrite, { ...handle, page: 0, value: NIC })
    .finishes()
const deregister = (k: RemovalKernel) => k.task('A').begins(ib_umem_release, handle).finishes()

/** A has P3 mapped and registered. */
function boot(preset: string, policies: Readonly<Record<string, string>> = {}) {
  const k = bootDevice(preset, { policies })
  expect(k.load('A', userLoad)).toBe('0x0')
  expect(k.registers('A').finishes()).toBe(1)
  expect([k.refs, k.pte('A'), k.pg]).toEqual([PINNED, 'P3 rw', 'live:9'])
  return k
}

describe('W23: device-dax under a long-term pin', () => {
  it('(a) 5.12: removal hangs until the region is deregistered', () => {
    const k = boot('v5.12')
    const r = k.task('R').begins(dev_dax_remove, device).runTo('cdev_del')
    expect([k.pte('A'), k.refs]).toEqual(['none', PINNED])
    r.runTo('put_pages')
    expect([k.pg, k.refs]).toEqual(['dying:8', PINNED])
    r.step()
    expect([k.pg, k.refs]).toEqual(['dying:1', '0 0 0 1024 0 0 0 0'])
    expect(r.runs().reason).toBe(
      'waits for pgmap->done: 1 reference is left; pages are pinned by A (FOLL_PIN|FOLL_LONGTERM, RDMA region)',
    )
    expect(nicWrites(k)).toBe(0)
    expect(k.kernel.contents.at(P3).value).toBe(NIC)
    const swap = k.kernel.machine.operations.find(({ name }) => name === 'replaceDevice')
    expect(swap?.start?.refuse?.(k.kernel, { ...device, value: 0 }, r.id)).toContain('unbind it')
    deregister(k)
    expect([k.pg, k.refs]).toEqual(['dead:0', '0 0 0 0 0 0 0 0'])
    expect([r.finishes(), k.pg, k.s1]).toEqual([0, 'exited', 'holds'])
    expect([k.broken(noPinWithoutPage), k.logLines]).toEqual([undefined, []])
  })

  it('(b) 6.12: it does not wait; the adapter hits the next card, and the unpin oopses', () => {
    const k = boot('v6.12')
    const r = k.task('R').begins(dev_dax_remove, device).runTo('put_pages')
    expect([k.pte('A'), k.refs, k.pg]).toEqual(['none', PINNED, 'dying:8'])
    r.runTo('wait_done')
    expect([k.refs, k.pg]).toEqual([PINNED, 'dead:0'])
    expect([r.finishes(), k.pg, k.refs]).toEqual([0, 'exited', '– – – – – – – –'])
    expect(k.broken(noPinWithoutPage)).toBe('pfn 0x480203, held by A, has no struct page any more')
    const swap = { ...device, value: TENANT2_KEY }
    k.task('R').begins(replaceDevice, swap).finishes()
    expect(k.kernel.namespaces.at(1).gen).toBe(2)
    expect(k.kernel.contents.at(P3).value).toBe(TENANT2_KEY)
    nicWrites(k)
    expect(k.kernel.contents.at(P3).value).toBe(NIC)
    expect(k.logLines.filter((line) => line.startsWith('BUG'))).toEqual([])
    deregister(k)
    expect(k.logLines.some((line) => line.includes('unable to handle page fault'))).toBe(true)
    expect(k.logLines.at(-1)).toBe('Call Trace: unpin_user_pages')
  })

  it('6.12: a region that is just being registered as the device goes: an oops in the search for movable pages', () => {
    const k = bootDevice('v6.12')
    k.load('A', userLoad)
    const a = k.registers('A').runTo('collect')
    expect(k.task('R').begins(dev_dax_remove, device).finishes()).toBe(0)
    expect(k.broken(noPinWithoutPage)).toBe('pfn 0x480203, held by A, has no struct page any more')
    a.runTo('after_slow')
    expect(k.logLines.slice(-3)).toEqual([
      'BUG: unable to handle page fault for address ffffea00120080c8 (a struct page that no longer exists)',
      'RIP: collect_longterm_unpinnable_folios',
      'Call Trace: __gup_longterm_locked',
    ])
  })

  it('with revocation: waits for who is still registering, and leaves a short pin alone', () => {
    const k = bootDevice('v6.12', { policies: { longtermRevoke: 'revoke' } })
    k.load('A', userLoad)
    k.load('B', userLoad)
    const short = { start: k.vpn('B'), pages: 1, write: 1, longterm: 0, force: 0 }
    expect(k.task('B').begins(pin_user_pages_fast, short).finishes()).toBe(1)
    const a = k.registers('A').runTo('map')
    const r = k.task('R').begins(dev_dax_remove, device).runs()
    expect(r.reason).toBe('waits for A, who is still pinning pages of the device')
    expect(k.kernel.machine.holders(r.id)).toEqual([{ task: a.id, until: 'call' }])
    expect(a.finishes()).toBe(1)
    r.runTo('cdev_del')
    expect(k.refs).toBe('1 1 1 1 1025 1 1 1')
  })

  it.each(['v5.12', 'v6.12'])('%s with revocation: it ends clean', (preset) => {
    const k = boot(preset, { longtermRevoke: 'revoke' })
    const r = k.task('R').begins(dev_dax_remove, device).runTo('cdev_del')
    expect([k.refs, k.kernel.pinHandles.rows().length]).toEqual(['1 1 1 1 1 1 1 1', 0])
    expect([r.finishes(), k.pg, k.s1]).toEqual([0, 'exited', 'holds'])
    expect([k.broken(noPinWithoutPage), k.logLines]).toEqual([undefined, []])
  })

  it('counts 2 and pincount 1 with the usual alignment of 2 MiB', () => {
    const k = bootDevice('v6.12', { align: 512 })
    k.load('A', userLoad)
    expect([k.pg, k.registers('A').finishes()]).toEqual(['live:9', 1])
    const head = k.kernel.pages.at(P3 - 3)
    expect(head.refcount).toBe(2)
    expect(k.kernel.folios.at(P3 - 3).pincount).toBe(1)
  })
})

describe('device-dax with folios of 2 MiB', () => {
  const boot = (preset: string) => {
    const k = bootDevice(preset, { align: 512 })
    k.load('A', userLoad)
    return k
  }
  const head = P3 - 3

  it('puts every folio once up to 5.17, waits for the pinned one, and refuses a new mapping meanwhile', () => {
    const k = boot('v5.12')
    k.registers('A').finishes()
    const r = k.task('R').begins(dev_dax_remove, device).runTo('wait_done')
    expect([k.pg, k.ref(head)]).toEqual(['dying:1', 1])
    expect(r.runs().reason).toContain('1 reference is left; pages are pinned by A')
    const args = { inode: 1, pages: 512, pgoff: 0, label: 'late', private: 0 }
    expect(k.task('B').begins(dax_mmap, args).finishes()).toBe(-ENXIO)
    deregister(k)
    expect([k.pg, r.finishes(), k.pg]).toEqual(['dead:0', 0, 'exited'])
    expect([k.broken(noFreedBlockHeld), k.logLines]).toEqual([undefined, []])
  })

  it('counts an entry of the folio from 6.15 on, as a reference besides the device’s own', () => {
    const k = boot('v6.15')
    expect(k.ref(head)).toBe(2)
    k.load('B', userLoad)
    expect([k.ref(head), k.broken(conservation)]).toEqual([3, undefined])
    expect(k.registers('A').finishes()).toBe(1)
    expect([k.ref(head), k.kernel.folios.at(head).pincount]).toEqual([4, 1])
    k.task('R').begins(dev_dax_remove, device).runTo('cdev_del')
    expect([k.ref(head), k.broken(conservation)]).toEqual([2, undefined])
  })
})

describe('W29: RDMA', () => {
  it('(1) is refused on fs-dax, and leaves no reference', () => {
    const k = bootWritten('v6.12')
    expect(k.registers('A').finishes()).toBe(-EOPNOTSUPP)
    expect([k.ref(P3), k.kernel.pinHandles.rows().length]).toEqual([1, 0])
  })

  it('(2) is allowed on device-dax: 1025, and 1 again', () => {
    const k = boot('v6.12')
    expect(k.ref(P3)).toBe(1025)
    deregister(k)
    expect(k.ref(P3)).toBe(1)
  })

  /** ODP over fs-dax, with the count of invalidations at which the row begins. */
  const odp = () => {
    const k = bootWritten('v6.12')
    const start = k.vpn('A')
    expect(k.task('A').begins(ib_umem_odp_get, { start, pages: 1 }).finishes()).toBe(1)
    const umem = k.kernel.umemOdps.at(1)
    umem.seq = 7
    const nic = () =>
      k.kernel.nicEntries.in(1).has(start) ? k.kernel.nicEntries.in(1).at(start).pfn : 0
    const write = () => k.task('R 2').begins(odpWrite, { umem: 1, page: 0, value: NIC })
    const truncate = () =>
      k
        .task('R')
        .begins(xfs_vn_setattr, truncateArgs(k.kernel, 1, 0))
        .runTo('scan')
    return { k, umem, nic, write, truncate }
  }

  it('(3) ODP: no reference; truncate does not wait, and takes the adapter’s entry', () => {
    const { k, umem, nic, write, truncate } = odp()
    const a = write().runTo('map')
    expect([k.ref(P3), umem.seq, nic()]).toEqual([1, 7, 0])
    a.step()
    expect([k.ref(P3), umem.seq, nic()]).toEqual([1, 7, P3])
    expect([a.finishes(), k.kernel.contents.at(P3).value]).toEqual([0, NIC])
    const r = truncate()
    expect([k.ref(P3), umem.seq, nic(), k.pte('A')]).toEqual([1, 9, 0, 'none'])
    expect([r.finishes(), k.ref(P3)]).toEqual([0, 1])
    // The sheet stops counting at the first zap; truncate_pagecache() unmaps once more.
    expect(umem.seq).toBe(11)
    expect(k.kernel.extents.in(1).has(0)).toBe(false)
    expect(write().finishes()).toBe(-EFAULT)
  })

  it('(3) ODP: deregistered, the adapter has no entry, and nothing was pinned to unpin', () => {
    const { k, umem, nic, write } = odp()
    expect(write().finishes()).toBe(0)
    expect([nic(), k.ref(P3)]).toEqual([P3, 1])
    const { id } = umem
    expect(k.task('A').begins(ib_umem_odp_release, { umem: id }).finishes()).toBe(0)
    expect([k.kernel.umemOdps.isLive(id), nic(), k.ref(P3), k.pte('A')]).toEqual([
      ...[false, 0, 1],
      'P3 rw',
    ])
    expect(k.task('A').begins(ib_umem_odp_release, { umem: id }).finishes()).toBe(-EFAULT)
  })

  it('(3) ODP: a deregistration waits for a page fault of the adapter that is under way', () => {
    const { k, write } = odp()
    const nic = write().runTo('map')
    const a = k.task('A').begins(ib_umem_odp_release, { umem: 1 }).runs()
    expect(a.reason).toBe('waits for R 2, which is at work in the region')
    expect([nic.finishes(), a.finishes()]).toEqual([0, 0])
    expect(k.kernel.nicEntries.in(1).runs()).toEqual([])
  })

  it('(3) ODP: an invalidation between snapshot and lock makes it try again, and fail', () => {
    const { k, umem, nic, write, truncate } = odp()
    const a = write().runTo('map')
    const r = truncate()
    expect(umem.seq).toBe(9)
    expect(r.finishes()).toBe(0)
    expect(a.step().next).toBe('read_begin')
    expect([a.finishes(), nic()]).toEqual([-EFAULT, 0])
    expect([k.ref(P3), k.kernel.contents.at(P3).value]).not.toContain(NIC)
  })
})
