import { describe, expect, it } from 'vitest'
import { deadlock, waitEdges } from '../machine'
import { bootDevice, bootWritten, type RemovalKernel } from '../testing/removal-kernel'
import { bootF1, bootUntouched, F1, F2DATA, type TruncateKernel } from '../testing/truncate-kernel'
import { __device_release_driver } from './drivers/base/dd'
import { dev_dax_remove } from './drivers/dax/device'
import { dax_lease_reap_work, update_wall_time } from './fs/dax-lease'
import { daxWrite } from './fs/dax-rw'
import { filp_close, vfs_unlink } from './fs/inode'
import { get_user_pages_fast } from './mm/gup'
import { userLoad, userStore } from './mm/user-access'
import { holderName } from './wait-names'

/** `T → A (FOLL_PIN), hardware; S, signals`: every wait of the moment. */
const edges = ({ kernel: k }: RemovalKernel): string[] =>
  waitEdges(k).map(({ waiter, holders, state, interruptible }) => {
    const names = holders.map((holder) => `${holderName(k, holder)}, ${holder.until}`)
    return `${k.tasks.at(waiter).name} → ${names.join(' and ')}; ${state}${interruptible ? ', signals' : ''}`
  })

const unbind = (k: RemovalKernel) => k.task('R').begins(__device_release_driver, { device: 1 })
const remove = (k: RemovalKernel) => k.task('R').begins(dev_dax_remove, { device: 1 })
const stores = (k: RemovalKernel, who: string) =>
  k.task(who).begins(userStore, { vpn: k.vpn(who), value: 1 })
const both = (preset: string) => bootF1(preset, { mappers: ['A', 'B'] })

describe('§8.3: who waits on what', () => {
  it('a fault for MMAPLOCK, until truncate drops it', () => {
    const k = both('v6.12')
    k.truncate().runTo('break_layouts')
    stores(k, 'B').runs()
    expect(edges(k)).toEqual(['B → T, call; D'])
  })

  it('truncate for MMAPLOCK, until the fault is over', () => {
    const k = both('v6.12')
    stores(k, 'B').runTo('iomap')
    const t = k.truncate().runs()
    expect([t.next, ...edges(k)]).toEqual(['mmaplock', 'T → B, call; D'])
  })

  it('truncate and write for the inode lock', () => {
    const k = both('v6.12')
    k.truncate().runTo('break_layouts')
    k.task('C').begins(daxWrite, { inode: F1, pos: 0, length: 4096, value: 1 }).runs()
    expect(edges(k)).toEqual(['C → T, call; D'])
  })

  it('a write fault for a frozen file system, until the thaw; and a freeze for write faults', () => {
    const k = bootWritten('v6.8', { policies: { rmapbt: 'on' }, other: 1 })
    const b = stores(k, 'B').runTo('iomap')
    const r = unbind(k).runs()
    expect([r.next, ...edges(k)]).toEqual(['wait_writers', 'R → B, call; D'])
    b.finishes()
    r.runTo('next_extent')
    stores(k, 'A').runs()
    expect(edges(k)).toEqual(['A → R, call; D'])
  })

  it('a fault for the lock of an entry, until dax_unlock_entry()', () => {
    const k = bootUntouched('v6.12', { mappers: ['A', 'B'] })
    stores(k, 'B').runTo('iomap')
    stores(k, 'A').runs()
    expect(edges(k)).toEqual(['A → B, call; D'])
  })

  it('truncate for a page, until the put that makes it idle; a signal ends it', () => {
    const k = bootF1('v6.12')
    k.gup('A', 'PIN').finishes()
    k.truncate().runs()
    expect(edges(k)).toEqual(['T → A (FOLL_PIN), hardware; S, signals'])
  })

  it('an eviction for a page, and no signal ends it (6.15)', () => {
    const k = bootF1('v6.15')
    k.kernel.inodes.at(F1).i_opens = 1
    k.gup('A', 'PIN').finishes()
    k.munmap()
    k.task('T').begins(vfs_unlink, { inode: F1 }).finishes()
    k.task('A').begins(filp_close, { inode: F1 }).runs()
    expect(edges(k)).toEqual(['A → A (FOLL_PIN), hardware; D'])
  })

  const leased = (k: TruncateKernel) => {
    k.gup('A', 'GET').finishes()
    k.truncate().runs()
    const reap = k.task('reap').begins(dax_lease_reap_work, { lease: 1 }).runs()
    k.task('C').begins(update_wall_time, { ticks: 2 }).finishes()
    reap.runs()
  }

  it('truncate and the reap work for leases, until the break work finds their pages idle', () => {
    const k = bootF1('v4.14', { policies: { daxTruncate: 'lease' } })
    leased(k)
    expect(edges(k)).toEqual([
      'T → A (lease, FOLL_GET), call; S, signals',
      'reap → A (lease, FOLL_GET), call; D',
    ])
    k.unpin('A')
    expect(edges(k)[1]).toBe('reap → the break work, once a second, hardware; D')
  })

  it('a write for the lease of its own pin, where writes break leases: a circle of one', () => {
    const k = bootF1('v4.14', { policies: { daxTruncate: 'leaseLayout' } })
    k.gup('A', 'GET').finishes()
    k.task('A').begins(daxWrite, { inode: F1, pos: 0, length: 4096, value: F2DATA }).runs()
    expect(edges(k)).toEqual(['A → A (lease, FOLL_GET), call; S, signals'])
    expect(deadlock(k.kernel)).toEqual([k.task('A').id])
  })

  it('kill_dax() for readers inside dax_read_lock()', () => {
    const k = bootDevice('v6.12')
    k.task('B')
      .begins(userLoad, { vpn: k.vpn('B'), value: 0 })
      .runTo('insert')
    remove(k).runs()
    expect(edges(k)).toEqual(['R → B, call; D'])
  })

  it('memunmap_pages() for a grace period, then for the last pgmap reference', () => {
    const k = bootF1('v6.12')
    const r = unbind(k).runTo('kill')
    const args = { start: k.vpn('A'), pages: 1, write: 0, longterm: 0, force: 0 }
    k.task('A').begins(get_user_pages_fast, args).runTo('try_grab')
    r.runs()
    expect([r.next, ...edges(k)]).toEqual(['switch_to_atomic', 'R → A, call; D'])
    k.kernel.tasks.at(1).irqs_off = 0
    r.runs()
    expect([r.next, ...edges(k)]).toEqual(['wait_done', 'R → A, call; D'])
  })

  it('memunmap_pages() for pins, up to 5.17', () => {
    const k = bootDevice('v5.12')
    k.load('A', userLoad)
    k.registers('A').finishes()
    remove(k).runs()
    expect(edges(k)).toEqual(['R → A (FOLL_PIN|FOLL_LONGTERM, RDMA region), owner; D'])
  })

  it('a TLB flush for a CPU with interrupts off', () => {
    const k = bootF1('v6.12', { policies: { tlbFlush: 'ipi' } })
    k.gup('A', 'PIN').runTo('get_pgmap')
    const t = k.truncate().runs()
    expect([t.next, ...edges(k)]).toEqual(['scan', 'T → A, call; D'])
  })

  it('the holder that is in its call is one link of a chain, and only a circle is a deadlock', () => {
    const k = both('v6.12')
    k.gup('A', 'PIN').finishes()
    k.truncate().runs()
    k.task('C').begins(daxWrite, { inode: F1, pos: 0, length: 4096, value: 1 }).runs()
    expect(edges(k)).toEqual(['T → A (FOLL_PIN), hardware; S, signals', 'C → T, call; D'])
    expect(deadlock(k.kernel)).toBeUndefined()
  })
})
