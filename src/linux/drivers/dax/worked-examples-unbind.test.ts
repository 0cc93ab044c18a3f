import { describe, expect, it } from 'vitest'
import { removalMistakes } from '../../../testing/dax-mistakes'
import { withMistake, withMutation } from '../../../testing/mutate'
import {
  bootDevice,
  bootWritten,
  F1DATA,
  FIRST,
  P3,
  type RemovalKernel,
  TENANT2_KEY,
} from '../../../testing/removal-kernel'
import { bootTest, vpnOf } from '../../../testing/test-kernel'
import { bootF1 } from '../../../testing/truncate-kernel'
import { sync_filesystem } from '../../fs/sync'
import { do_exit } from '../../kernel/exit'
import { do_munmap } from '../../mm/mmap'
import { vma_lookup } from '../../mm/rmap'
import { userLoad, userStore } from '../../mm/user-access'
import { __device_release_driver } from '../base/dd'
import { pmem_attach_disk } from '../nvdimm/pmem'
import { dev_dax_remove } from './device'
import { replaceDevice } from './replace'

const device = { device: 1 }
const ONES = '1 1 1 1 1 1 1 1'
const ZEROES = '0 0 0 0 0 0 0 0'
const GONE = '– – – – – – – –'

describe('an area that munmap has detached', () => {
  it('is in i_mmap of its file still, and so the unbind clears its entries', () => {
    const k = bootDevice('v6.12')
    k.load('A', userLoad)
    const { id, vm_start } = k.kernel.vmas.at(1)
    const a = k.task('A').begins(do_munmap, { vma: id }).runTo('drain')
    expect([k.kernel.ptes.in(1).has(vm_start + 3), vma_lookup(k.kernel, 1, vm_start)]).toEqual([
      true,
      undefined,
    ])
    expect(do_munmap.start?.refuse(k.kernel, { vma: id }, a.id)).toBe('There is no such area.')
    k.task('R').begins(dev_dax_remove, device).finishes()
    expect([k.kernel.ptes.in(1).has(vm_start + 3), k.s1]).toEqual([false, 'holds'])
    expect([a.finishes(), k.kernel.vmas.isLive(id)]).toEqual([0, false])
  })

  it('counts as a mapping: a truncate waits for the pins that are known through it', () => {
    const k = bootF1('v6.12')
    k.gup('A', 'PIN').finishes()
    k.task('A')
      .begins(do_munmap, { vma: k.kernel.vmas.at(1).id })
      .runTo('unlock')
    expect(k.truncate().runs().reason).toContain('to be idle: refcount 1025 → 1')
  })
})

describe('W17: device-dax unbind, clean', () => {
  const boot = () => {
    const k = bootDevice('v6.8')
    expect(k.load('A', userLoad)).toBe('0x0')
    return k
  }
  const row = (k: RemovalKernel) => [k.alive, k.srcu, k.pte('A'), k.pte('B'), k.pg]
  const faulting = (k: RemovalKernel) =>
    k
      .task('B')
      .begins(userLoad, { vpn: k.vpn('B'), value: 0 })
      .runTo('insert')

  it('has the numbers of every row', () => {
    const k = boot()
    expect([k.refs, k.ref(P3)]).toEqual([ONES, 1])
    const b = faulting(k)
    expect(row(k)).toEqual([1, 1, 'P3 rw', 'none', 'live:9'])
    const r = k.task('R').begins(dev_dax_remove, device).runs()
    expect(r.reason).toBe('waits for 1 readers inside dax_read_lock()')
    expect(row(k)).toEqual([0, 1, 'P3 rw', 'none', 'live:9'])
    b.step()
    expect(row(k)).toEqual([0, 0, 'P3 rw', 'P4 rw', 'live:9'])
    b.finishes()
    r.runTo('unmap').step()
    expect(row(k)).toEqual([0, 0, 'none', 'none', 'live:9'])
    expect(k.load('B', userLoad)).toBe('BUS_ADRERR')
    expect(row(k)).toEqual([0, 0, 'none', 'none', 'live:9'])
    r.runTo('kill').step()
    expect(k.pg).toBe('dying:8')
    r.runTo('wait_done')
    expect(k.pg).toBe('dead:0')
    expect(r.finishes()).toBe(0)
    expect([k.pg, k.refs, k.s1]).toEqual(['exited', GONE, 'holds'])
  })

  it('breaks S1 where the fault looks outside SRCU: it inserts after the zap', () => {
    const k = boot()
    withMistake(removalMistakes.looksTooEarly, () => {
      const b = faulting(k)
      const r = k.task('R').begins(dev_dax_remove, device).runTo('cdev_del')
      b.finishes()
      expect(k.pte('B')).toBe('P4 rw')
      expect(r.finishes()).toBe(0)
    })
    expect(k.s1).toBe('B maps pfn 0x480204, which has no struct page any more')
  })
})

describe('W18: fs-dax unbind before the series, then another card (5.12)', () => {
  const row = (k: RemovalKernel) => [
    k.alive,
    k.pg,
    k.refs,
    k.pte('A'),
    k.kernel.namespaces.at(1).gen,
  ]

  it.each(['xfs', 'ext4'])('has the numbers of rows 0 to 5 on %s', (filesystem) => {
    const k = bootWritten('v5.12', { policies: { filesystem } })
    expect(row(k)).toEqual([1, 'live:9', ONES, 'P3 rw', 1])
    expect([k.isDirty(), k.slot()]).toEqual([true, '0x4802030'])
    const r = k.task('R').begins(__device_release_driver, device).runTo('put_dax')
    expect(row(k)).toEqual([0, 'live:9', ONES, 'P3 rw', 1])
    r.runTo('kill')
    expect(row(k)).toEqual([0, 'live:9', ONES, 'P3 ro', 1])
    expect([k.isDirty(), k.kernel.superBlocks.at(1).shutdown]).toEqual([false, 'no'])
    r.step()
    expect(row(k)).toEqual([0, 'dying:8', ONES, 'P3 ro', 1])
    r.runTo('wait_done')
    expect(row(k)).toEqual([0, 'dead:0', ZEROES, 'P3 ro', 1])
    expect(r.finishes()).toBe(0)
    expect(row(k)).toEqual([0, 'exited', GONE, 'P3 ro', 1])
    expect(k.s1).toBe('A maps pfn 0x480203, which has no struct page any more')
    expect(k.load('A', userLoad)).toBe(`0x${F1DATA.toString(16)}`)
  })

  const swapped = () => {
    const k = bootWritten('v5.12')
    k.task('R').begins(__device_release_driver, device).finishes()
    k.task('R')
      .begins(replaceDevice, { ...device, value: TENANT2_KEY })
      .finishes()
    expect(k.task('R').begins(pmem_attach_disk, device).finishes()).toBe(0)
    return k
  }
  const KEY = `0x${TENANT2_KEY.toString(16)}`

  it('has the numbers of rows 6 to 8: the stranger’s byte, no signal; a store SIGBUS', () => {
    const k = swapped()
    expect([k.pg, k.refs, k.pte('A')]).toEqual(['live:9', ONES, 'P3 ro'])
    expect(k.kernel.namespaces.at(1).gen).toBe(2)
    expect(k.s1).toBe('A maps pfn 0x480203 of an earlier binding of the device')
    expect(k.load('A', userLoad)).toBe(KEY)
    expect([k.signal('A'), k.pte('A')]).toEqual(['none', 'P3 ro'])
    k.task('A')
      .begins(userStore, { vpn: k.vpn('A'), value: 0x33 })
      .finishes()
    expect(k.signal('A')).toBe('BUS_ADRERR')
    expect(k.kernel.contents.at(P3).value).toBe(TENANT2_KEY)
    expect([k.load('A', userLoad), k.pte('A')]).toEqual([KEY, 'P3 ro'])
  })

  it('8, the PMD variant: the failed fault splits the PMD, which clears it, so that loads get SIGBUS too', () => {
    const k = bootTest({ removeNotify: 'none' })
    const vpn = vpnOf(k, 'A')
    const app = k.task('app')
    app.begins(userStore, { vpn, value: 1 }).finishes()
    k.task('shell').begins(__device_release_driver, device).finishes()
    const signal = (operation: { readonly name: string }) => {
      app.begins(operation, { vpn: vpn + 7, value: 2 }).finishes()
      return app.row.si_code
    }
    expect([signal(userLoad), k.bits(vpn)?.includes('rw')]).toEqual(['none', false])
    expect([signal(userStore), k.bits(vpn)]).toEqual(['BUS_ADRERR', undefined])
    expect(signal(userLoad)).toBe('BUS_ADRERR')
  })

  it.each(['v5.12', 'v6.1', 'v6.12'])(
    'lets A exit without harm: its entry has no page to put (%s)',
    (preset) => {
      const k = bootWritten(preset)
      k.task('R').begins(__device_release_driver, device).finishes()
      const lines = k.logLines
      expect(k.pte('A')).toBe('P3 ro')
      k.task('A').begins(do_exit).finishes()
      expect([k.logLines, k.s1]).toEqual([lines, 'holds'])
    },
  )

  it('overwrites the stranger’s byte where the sync of row 2 is skipped', () => {
    withMutation(
      sync_filesystem,
      'next',
      (_k, t) => t.done(),
      () => {
        const k = swapped()
        expect(k.pte('A')).toBe('P3 rw')
        k.task('A')
          .begins(userStore, { vpn: k.vpn('A'), value: 0x33 })
          .finishes()
        expect([k.signal('A'), k.kernel.contents.at(P3).value]).toEqual(['none', 0x33])
      },
    )
  })

  it('ends the same way on 6.12 without rmapbt, where the file system is shut down besides', () => {
    const k = bootWritten('v6.12')
    k.task('R').begins(__device_release_driver, device).finishes()
    expect([k.pg, k.pte('A'), k.kernel.superBlocks.at(1).shutdown]).toEqual([
      'exited',
      'P3 ro',
      'DEVICE_REMOVED',
    ])
    expect(k.load('A', userLoad)).toBe('0xf1')
  })

  it('ends the same way on 6.15, whose entries do not say that they map a device', () => {
    const k = bootWritten('v6.15')
    k.task('R').begins(__device_release_driver, device).finishes()
    expect(k.s1).toBe('A maps pfn 0x480203, which has no struct page any more')
    k.task('R')
      .begins(replaceDevice, { ...device, value: TENANT2_KEY })
      .finishes()
    expect(k.load('A', userLoad)).toBe(KEY)
  })

  it('takes another card only where no driver is bound, and gives it a generation of its own', () => {
    const k = bootWritten('v5.12')
    const operation = k.kernel.machine.operations.find(({ name }) => name === 'replaceDevice')
    const refused = () => operation?.start?.refuse?.(k.kernel, { ...device, value: 0 }, 1)
    expect(refused()).toBe('The driver is bound: unbind it before the card goes.')
    k.task('R').begins(__device_release_driver, device).finishes()
    expect(refused()).toBeUndefined()
    k.task('R')
      .begins(replaceDevice, { ...device, value: 1 })
      .finishes()
    expect(k.kernel.namespaces.at(1).gen).toBe(2)
    expect(k.kernel.contents.at(FIRST + 7)).toMatchObject({ value: 1, rest: 1 })
    k.task('R').begins(pmem_attach_disk, device).finishes()
    k.task('R').begins(__device_release_driver, device).finishes()
    k.task('R').begins(pmem_attach_disk, device).finishes()
    expect(k.kernel.namespaces.at(1).gen).toBe(3)
  })
})
