import { describe, expect, it } from 'vitest'
import { truncateMistakes } from '../../testing/dax-mistakes'
import { withMistake, withMutation } from '../../testing/mutate'
import { F1DATA, P3 } from '../../testing/removal-kernel'
import { bootF1, F1, F2DATA, type TruncateKernel } from '../../testing/truncate-kernel'
import { EFAULT } from '../include/errno'
import { get_user_pages_fast } from '../mm/gup'
import { __get_user_pages } from '../mm/gup-slow'
import { dax_lease_break_work, dax_lease_reap_work, update_wall_time } from './dax-lease'
import { daxWrite } from './dax-rw'

const boot = () => bootF1('v4.14', { policies: { daxTruncate: 'lease' } })

/** Columns dl, state bits, flc_lease and ref of W7. */
function row(k: TruncateKernel): [dl: number, state: string, listed: string, ref: number] {
  const leases = k.kernel.daxLeases
  if (!leases.isLive(1)) return [0, '–', '{}', k.ref(P3)]
  const { dl_count, pages, breaking, listed } = leases.at(1)
  const state = `${pages === 1 ? 'P' : ''}${breaking === 1 ? 'B' : ''}`
  return [dl_count, state === '' ? '–' : state, listed === 1 ? '{L}' : '{}', k.ref(P3)]
}

/** Time in seconds: two jiffies each. */
const now = (k: TruncateKernel) => k.kernel.globals.jiffies / 2
const due = (jiffies: number) => (jiffies < 0 ? undefined : jiffies / 2)
const halfASecond = (k: TruncateKernel) =>
  k.task('C').begins(update_wall_time, { ticks: 1 }).finishes()
const breakWork = (k: TruncateKernel) => k.task('break').begins(dax_lease_break_work, { lease: 1 })
const reapWork = (k: TruncateKernel) => k.task('reap').begins(dax_lease_reap_work, { lease: 1 })

/** Rows 0.0 to 1.5: T and the reap work wait, and the break work has polled once, in vain. */
function untilPolled(k: TruncateKernel) {
  const a = k.gup('A', 'GET').runTo('follow')
  expect(row(k)).toEqual([2, '–', '{L}', 1])
  expect(a.finishes()).toBe(1)
  expect([...row(k), due(k.kernel.daxLeases.at(1).reap_due)]).toEqual([2, 'P', '{L}', 2, 1])
  halfASecond(k)
  const t = k.truncate().runTo('break_lease')
  expect([...row(k), k.locks]).toEqual([2, 'P', '{L}', 2, 'T:I,M'])
  t.runs()
  expect([...row(k), k.locks, t.next]).toEqual([3, 'PB', '{L}', 2, '–', 'wait_lease'])
  expect([now(k), due(k.kernel.daxLeases.at(1).break_due)]).toEqual([0.5, 1.5])
  expect(t.reason).toBe('waits for the lease of F1: dl_count 3, polled once a second')
  const reap = reapWork(k).runs()
  expect(reap.reason).toBe('waits for jiffies 2, now 1')
  halfASecond(k)
  reap.runs()
  expect([now(k), ...row(k), reap.next]).toEqual([1, 3, 'PB', '{L}', 2, 'wait_unlock'])
  expect(reap.reason).toBe('waits until the lease is given up')
  const work = breakWork(k).runs()
  expect(work.reason).toBe('waits for jiffies 3, now 2')
  halfASecond(k)
  expect(work.finishes()).toBe(1)
  expect([now(k), ...row(k), due(k.kernel.daxLeases.at(1).break_due)]).toEqual([
    ...[1.5, 3, 'PB', '{L}', 2],
    2.5,
  ])
  return { t, reap }
}

/** Rows 2.0 and 2.5: the DMA is over, nobody is told, and the next poll finds it out. */
function untilIdle(k: TruncateKernel) {
  halfASecond(k)
  k.unpin('A')
  expect([now(k), ...row(k)]).toEqual([2, 3, 'PB', '{L}', 1])
  const work = breakWork(k).runs()
  expect(work.reason).toBe('waits for jiffies 5, now 4')
  halfASecond(k)
  expect(now(k)).toBe(2.5)
  return work.runTo('unlock')
}

describe('W7: the lease of the series of 2017', () => {
  it('is not set while a truncate that has found none is at work: GUP waits for MMAPLOCK', () => {
    const k = boot()
    const a = k.gup('A', 'GET').runTo('check_vma')
    const t = k.truncate().runTo('unmap')
    expect(a.reason).toBe('waits for MMAPLOCK, which T holds')
    t.finishes()
    expect([a.finishes(), k.own(), k.kernel.daxLeases.rows()]).toEqual([-EFAULT, 'free', []])
  })

  it('is taken on the slow path even where the entry does not say that it is of DAX (6.15)', () => {
    const k = bootF1('v6.17', { policies: { daxTruncate: 'lease' } })
    expect(k.gup('A', 'GET').finishes()).toBe(1)
    expect(row(k)[2]).toBe('{L}')
  })

  it('has dl_count, state bits, list, ref and times of every row', () => {
    const k = boot()
    const { t, reap } = untilPolled(k)
    const work = untilIdle(k)
    expect([t.reason === '', reap.reason === '', ...row(k)]).toEqual([
      ...[false, false],
      ...[3, 'PB', '{L}', 1],
    ])
    work.step()
    expect(row(k)).toEqual([2, 'PB', '{}', 1])
    expect(work.finishes()).toBe(0)
    expect([...row(k), t.reason, reap.reason]).toEqual([1, 'PB', '{}', 1, '', ''])
    t.runTo('break_lease')
    expect([k.locks, k.own()]).toEqual(['T:I,M', 'F1'])
    expect([t.finishes(), k.locks]).toEqual([0, '–'])
    expect([...k.row, ...row(k)]).toEqual([
      ...[1, 'none', '∅', 'free', F1DATA],
      ...[1, 'PB', '{}', 1],
    ])
    reap.finishes()
    expect(row(k)).toEqual([0, '–', '{}', 1])
    expect([k.createsF2(), k.cont(), k.logLines]).toEqual(['b3', F2DATA, []])
  })

  it('is used after it is freed where the break takes no reference (S7)', () => {
    const k = boot()
    withMistake(truncateMistakes.losesBreak, () => {
      k.gup('A', 'GET').finishes()
      halfASecond(k)
      k.truncate().runs()
      expect(row(k)).toEqual([2, 'PB', '{L}', 2])
    })
    const reap = reapWork(k).runs()
    halfASecond(k)
    reap.runs()
    k.unpin('A')
    const work = breakWork(k)
    halfASecond(k)
    work.finishes()
    expect([k.kernel.daxLeases.isLive(1), reap.next]).toEqual([false, 'wait_unlock'])
  })

  it('goes from 3 to 0 at once where the gup that took it fails after a break', () => {
    const k = boot()
    const a = k.gup('A', 'GET').runTo('follow')
    const t = k.truncate().runs()
    expect(row(k)).toEqual([3, 'B', '{L}', 1])
    withMutation(
      __get_user_pages,
      'follow',
      () => 'unlock',
      () => a.runs(),
    )
    expect([...row(k), a.row.ret === 1]).toEqual([0, '–', '{}', 1, false])
    expect(t.finishes()).toBe(0)
    expect(k.own()).toBe('free')
  })

  it('takes no lease where the pages may not be taken at all', () => {
    const k = boot()
    const args = { start: 1, pages: 1, write: 1, longterm: 0, force: 0 }
    const a = k.task('A').begins(get_user_pages_fast, args)
    expect([a.finishes(), ...row(k)]).toEqual([-EFAULT, 0, '–', '{}', 1])
  })

  it('gives every gup a lease of its own, also where it gets the number of a handle again', () => {
    const k = boot()
    k.gup('A', 'GET').finishes()
    k.unpin('A')
    k.gup('A', 'GET').finishes()
    const leases = () => k.kernel.daxLeases.rows().map(({ handle, listed }) => [handle, listed])
    expect(leases()).toEqual([
      [0, 1],
      [1, 1],
    ])
    expect(k.ref(P3)).toBe(2)
  })
})

describe('W8: FL_LAYOUT used again, and what FL_ALLOCATED does instead', () => {
  it('lets a write to the file by who has the lease go on: only truncate breaks it', () => {
    const k = boot()
    k.gup('A', 'GET').finishes()
    expect(row(k)).toEqual([2, 'P', '{L}', 2])
    const args = { inode: F1, pos: 0, length: 4096, value: F2DATA }
    const a = k.task('A').begins(daxWrite, args)
    expect([a.finishes(), a.reason]).toEqual([4096, ''])
    expect([...row(k), k.cont()]).toEqual([2, 'P', '{L}', 2, F2DATA])
    k.unpin('A')
    expect(k.ref(P3)).toBe(1)
  })

  /** Of A's one write, chunk 1 has pinned its source, a mapping of F1, and chunk 2 begins. */
  function twoChunks(daxTruncate: string) {
    const k = bootF1('v4.14', { policies: { daxTruncate } })
    k.gup('A', 'GET').finishes()
    expect(row(k)).toEqual([2, 'P', '{L}', 2])
    const args = { inode: F1, pos: 0, length: 4096, value: F2DATA }
    return { k, a: k.task('A').begins(daxWrite, args).runs() }
  }

  it.each(['leaseLayout', 'leaseLiteral'])(
    'ends in the cycle A → lease → pin → A under %s (L5)',
    (policy) => {
      const { k, a } = twoChunks(policy)
      expect([...row(k), a.next]).toEqual([3, 'PB', '{L}', 2, 'wait_lease'])
      expect(a.reason).toBe('waits for the lease of F1: dl_count 3, polled once a second')
      // The break work polls, and finds P3 in use, for as long as anybody looks.
      for (const until of [1, 2, 3]) {
        halfASecond(k)
        halfASecond(k)
        expect([breakWork(k).finishes(), now(k), ...row(k)]).toEqual([1, until, 3, 'PB', '{L}', 2])
      }
      // P3 is put when chunk 1 is done, which comes behind chunk 2: that is A, who waits.
      expect([a.next, a.reason === '', k.cont()]).toEqual(['wait_lease', false, F1DATA])
      expect(() => k.unpin('A')).toThrow('is not idle')
    },
  )

  it('ends at once for a write from elsewhere, once the pin is put', () => {
    const k = bootF1('v4.14', { policies: { daxTruncate: 'leaseLayout' } })
    k.gup('A', 'GET').finishes()
    const c = k
      .task('C')
      .begins(daxWrite, { inode: F1, pos: 0, length: 4096, value: F2DATA })
      .runs()
    k.unpin('A')
    k.task('D').begins(update_wall_time, { ticks: 2 }).finishes()
    breakWork(k).finishes()
    expect([c.finishes(), k.cont(), row(k)[2]]).toEqual([4096, F2DATA, '{}'])
  })

  it('breaks the lease for truncate as option 2 does', () => {
    const k = bootF1('v4.14', { policies: { daxTruncate: 'leaseLayout' } })
    k.gup('A', 'GET').finishes()
    const t = k.truncate().runs()
    expect([...row(k), t.next, k.locks]).toEqual([3, 'PB', '{L}', 2, 'wait_lease', '–'])
  })
})
