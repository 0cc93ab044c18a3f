import { describe, expect, it } from 'vitest'
import { bootFiles, bootWritten, P3, type RemovalKernel } from '../../../testing/removal-kernel'
import { userLoad, userStore } from '../../mm/user-access'
import { __device_release_driver } from '../base/dd'

const device = { device: 1 }
const on = { policies: { rmapbt: 'on' } }
const STALE = (who: string) => `${who} maps pfn 0x480203, which has no struct page any more`

const superBlock = (k: RemovalKernel) => k.kernel.superBlocks.at(1)
/** The flags of the notice. */
const flagsOf = (k: RemovalKernel, task: number) =>
  k.kernel.machine.frames(task).find(({ operation }) => operation.name === 'xfs_dax_notify_failure')
    ?.locals['flags']
const unbinding = (k: RemovalKernel) => k.task('R').begins(__device_release_driver, device)
const page = (k: RemovalKernel) => [k.slot(), k.isPoisoned(P3), k.pte('A'), k.signal('A')]

describe('W21: the unbind of XFS, A late-kill', () => {
  it('6.1 with rmapbt: hwpoison, nobody found, and the entry stays', () => {
    const k = bootWritten('v6.1', on)
    const r = unbinding(k).runTo('supported')
    expect(flagsOf(k, r.id)).toBe(0)
    r.runTo('lock_entry')
    expect([superBlock(k).frozen, superBlock(k).shutdown]).toEqual([0, 'no'])
    expect(page(k)).toEqual(['0x4802030', false, 'P3 rw', 'none'])
    r.step()
    expect(page(k)).toEqual(['0x4802031', false, 'P3 rw', 'none'])
    r.step()
    expect(k.kernel.toKill.in(r.id).runs()).toEqual([])
    expect(page(k)).toEqual(['0x4802030', true, 'P3 rw', 'none'])
    r.runTo('clear_alive')
    expect([superBlock(k).shutdown, k.alive]).toEqual(['CORRUPT_ONDISK', 1])
    r.runTo('put_dax')
    expect([k.alive, k.pte('A')]).toEqual([0, 'P3 rw'])
    r.runTo('kill')
    expect([k.pte('A'), superBlock(k).shutdown]).toEqual(['P3 ro', 'CORRUPT_ONDISK'])
    expect([r.finishes(), k.pg, k.pte('A'), k.s1]).toEqual([0, 'exited', 'P3 ro', STALE('A')])
  })

  it.each(['v6.8', 'v6.12'])('%s with rmapbt: everybody is killed and unmapped', (preset) => {
    const k = bootWritten(preset, on)
    const r = unbinding(k).runTo('wait_writers')
    expect(flagsOf(k, r.id)).toBe(128)
    expect([superBlock(k).frozen, superBlock(k).shutdown]).toEqual([1, 'no'])
    r.runTo('lock_entry').step()
    expect([k.slot(), k.isDirty()]).toEqual(['0x4802031', false])
    r.step()
    expect(page(k)).toEqual(['0x4802030', false, 'none', 'BUS_MCEERR_AO 12'])
    r.runTo('invalidate').step()
    expect(page(k)).toEqual(['–', false, 'none', 'BUS_MCEERR_AO 12'])
    r.runTo('thaw')
    expect([superBlock(k).frozen, superBlock(k).shutdown]).toEqual([1, 'FORCE_UMOUNT'])
    r.runTo('clear_alive')
    expect([superBlock(k).frozen, k.alive]).toEqual([0, 1])
    r.runTo('put_dax')
    expect(k.alive).toBe(0)
    expect([r.finishes(), k.pg, k.pte('A'), k.s1]).toEqual([0, 'exited', 'none', 'holds'])
    expect(superBlock(k).shutdown).toBe('FORCE_UMOUNT')
  })

  it('6.12 without rmapbt: -EOPNOTSUPP is ignored, and the entry stays read-only', () => {
    const k = bootWritten('v6.12')
    const r = unbinding(k).runTo('supported')
    expect(flagsOf(k, r.id)).toBe(128)
    expect(r.step().next).toBe('clear_alive')
    expect(page(k)).toEqual(['0x4802030', false, 'P3 rw', 'none'])
    expect([superBlock(k).frozen, superBlock(k).shutdown]).toEqual([0, 'no'])
    r.runTo('shutdown')
    expect([k.alive, k.pte('A'), superBlock(k).shutdown]).toEqual([0, 'P3 ro', 'no'])
    r.step()
    expect(superBlock(k).shutdown).toBe('DEVICE_REMOVED')
    expect([r.finishes(), k.pg, k.s1]).toEqual([0, 'exited', STALE('A')])
    expect([k.load('A', userLoad), k.signal('A')]).toEqual(['0xf1', 'none'])
  })

  it.each(['v6.1', 'v6.8', 'v6.12'])('ext4 on %s: no holder, so nobody hears', (preset) => {
    const k = bootWritten(preset, { policies: { rmapbt: 'on', filesystem: 'ext4' } })
    expect(k.kernel.daxDevices.at(1).holder).toBe(0)
    const r = unbinding(k).runTo('clear_alive')
    expect(page(k)).toEqual(['0x4802030', false, 'P3 rw', 'none'])
    expect([r.finishes(), k.pg, k.pte('A'), k.s1]).toEqual([0, 'exited', 'P3 ro', STALE('A')])
  })

  it('lets the freeze wait for a write fault that had begun', () => {
    const k = bootFiles('v6.12', on)
    const a = k
      .task('A')
      .begins(userStore, { vpn: k.vpn('A'), value: 0xf1 })
      .runTo('insert_entry')
    const r = unbinding(k).runs()
    expect(r.reason).toBe('waits for 1 write faults that hold the freeze off')
    a.finishes()
    expect([r.finishes(), k.pte('A'), k.s1]).toEqual([0, 'none', 'holds'])
  })
})

describe('W22: the window for read faults (6.8+)', () => {
  /** A has F1, and so has B, who has not touched it. R has dealt with F1, and goes on. */
  const boot = () => {
    const k = bootWritten('v6.8', { ...on, other: 1 })
    const r = unbinding(k).runTo('invalidate')
    expect([superBlock(k).frozen, k.slot(), k.pte('A'), k.pte('B')]).toEqual([
      1,
      '0x4802030',
      'none',
      'none',
    ])
    r.step()
    expect([k.slot(), k.pte('A'), k.alive]).toEqual(['–', 'none', 1])
    return { k, r }
  }

  it('has the numbers of every row', () => {
    const { k, r } = boot()
    expect(k.load('B', userLoad)).toBe('0xf1')
    expect([k.slot(), k.pte('B'), superBlock(k).shutdown]).toEqual(['0x4802030', 'P3 ro', 'no'])
    r.runTo('clear_alive')
    expect([superBlock(k).shutdown, superBlock(k).frozen]).toEqual(['FORCE_UMOUNT', 0])
    expect([k.alive, k.pte('B'), k.signal('B')]).toEqual([1, 'P3 ro', 'none'])
    expect([r.finishes(), k.alive, k.pg, k.pte('B'), k.s1]).toEqual([
      0,
      0,
      'exited',
      'P3 ro',
      STALE('B'),
    ])
  })

  it('lets a write fault wait, and then fail', () => {
    const { k, r } = boot()
    const b = k
      .task('B')
      .begins(userStore, { vpn: k.vpn('B'), value: 0x22 })
      .runs()
    expect(b.reason).toBe('waits for pmem0, which is frozen, to be thawed')
    expect(r.finishes()).toBe(0)
    b.finishes()
    expect([k.signal('B'), k.pte('B'), k.s1]).toEqual(['BUS_ADRERR', 'none', 'holds'])
  })
})
