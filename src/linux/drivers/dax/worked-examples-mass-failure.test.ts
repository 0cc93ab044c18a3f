import { describe, expect, it } from 'vitest'
import { withMutation } from '../../../testing/mutate'
import { bootFiles, bootWritten, P3, P5, type RemovalKernel } from '../../../testing/removal-kernel'
import { bootTest, P0, vpnOf } from '../../../testing/test-kernel'
import { dax_iomap_fault } from '../../fs/dax'
import { PG } from '../../include/page-flags'
import { do_exit } from '../../kernel/exit'
import { userLoad, userStore } from '../../mm/user-access'
import { presets } from '../../presets'
import { __device_release_driver } from '../base/dd'

const SERIES = 'surprise-remove-2021'
const device = { device: 1 }
const STALE = 'A maps pfn 0x480203, which has no struct page any more'

/** A has written F1 and B has read F2; both are early-kill, or late-kill as by default. */
function boot(early: boolean): RemovalKernel {
  const k = bootWritten(SERIES)
  expect(k.load('B', userLoad)).toBe('0x0')
  for (const who of ['A', 'B']) if (early) k.task(who).row.mce_kill = 'early'
  return k
}
const poison = (k: RemovalKernel) => [k.isPoisoned(P3), k.isPoisoned(P5)]
const row = (k: RemovalKernel) => [k.alive, k.pg, k.pte('A'), k.pte('B'), k.slot(), ...poison(k)]

describe('W19: the series of 2021 as intended', () => {
  it('has the numbers of every row where both are early-kill', () => {
    const k = boot(true)
    expect(row(k)).toEqual([1, 'live:9', 'P3 rw', 'P5 ro', '0x4802030', false, false])
    const r = k.task('R').begins(__device_release_driver, device).runTo('memunmap')
    // del_gendisk() has synced by now, and nobody has killed the dax_device: that comes later here.
    expect(row(k)).toEqual([1, 'live:9', 'P3 ro', 'P5 ro', '0x4802030', false, false])
    r.runTo('is_idle')
    expect(row(k)).toEqual([0, 'dying:8', 'P3 ro', 'P5 ro', '0x4802030', false, false])
    r.runTo('set_hwpoison')
    expect(row(k)).toEqual([0, 'dying:8', 'P3 ro', 'P5 ro', '0x4802031', false, false])
    r.runTo('collect')
    expect(row(k)).toEqual([0, 'dying:8', 'P3 ro', 'P5 ro', '0x4802031', true, false])
    r.runTo('unmap')
    const victims = k.kernel.toKill.in(r.id).runs()
    expect(victims).toMatchObject([{ tsk: 1, addr: k.vpn('A'), size_shift: 12, length: 1 }])
    r.runTo('kill')
    expect(row(k)).toEqual([0, 'dying:8', 'none', 'P5 ro', '0x4802031', true, false])
    r.runTo('unlock_entry')
    expect([k.signal('A'), k.signal('B')]).toEqual(['BUS_MCEERR_AO 12', 'none'])
    r.runTo('fail_unowned')
    expect(row(k)).toEqual([0, 'dying:8', 'none', 'P5 ro', '0x4802030', true, false])
    r.runTo('fail_owned').step()
    r.runTo('fail_unowned')
    expect(row(k)).toEqual([0, 'dying:8', 'none', 'none', '0x4802030', true, true])
    expect(k.signal('B')).toBe('BUS_MCEERR_AO 12')
    r.runTo('put_pages')
    expect(k.logLines.filter((line) => line.includes('Recovered'))).toHaveLength(2)
    r.runTo('wait_done')
    expect([k.pg, k.refs]).toEqual(['dead:0', '0 0 0 0 0 0 0 0'])
    expect([r.finishes(), k.pg, k.s1]).toEqual([0, 'exited', 'holds'])
  })

  it('row 5: the other six pages belong to no file, and nothing happens to them', () => {
    const k = boot(true)
    k.task('R').begins(__device_release_driver, device).runTo('put_pages')
    const marked = [0, 1, 2, 3, 4, 5, 6, 7].filter((page) => k.isPoisoned(P3 - 3 + page))
    expect(marked).toEqual([3, 5])
  })

  it('ends a refault in SIGBUS: the dax_device is dead', () => {
    const k = boot(true)
    k.task('R').begins(__device_release_driver, device).finishes()
    expect(k.load('A', userLoad)).toBe('BUS_ADRERR')
    expect([k.pte('A'), k.s1]).toEqual(['none', 'holds'])
  })

  it('unmaps nothing of late-kill processes, and so breaks S1', () => {
    const k = boot(false)
    const r = k.task('R').begins(__device_release_driver, device).runTo('put_pages')
    expect(row(k)).toEqual([0, 'dying:8', 'P3 ro', 'P5 ro', '0x4802030', true, true])
    expect([k.signal('A'), k.signal('B')]).toEqual(['none', 'none'])
    expect([r.finishes(), k.pg, k.s1]).toEqual([0, 'exited', STALE])
  })

  it('reports no page where no file system has the device', () => {
    const k = bootFiles(SERIES)
    k.kernel.superBlocks.at(1).s_daxdev = 0
    k.task('R').begins(__device_release_driver, device).finishes()
    expect(k.logLines).toEqual([])
  })

  it('fails the rest of an entry of 2 MiB in one step, where nobody is found', () => {
    const k = bootTest(presets.find(({ name }) => name === SERIES)?.policies)
    const vpn = vpnOf(k, 'A')
    k.task('app').begins(userStore, { vpn, value: 0x11 }).finishes()
    const steps = (): number => {
      const r = k.task('shell').begins(__device_release_driver, device).runTo('fail_owned')
      let count = 0
      for (; r.next !== 'put_pages'; count++) r.step()
      return count
    }
    expect(steps()).toBeLessThan(20)
    const poisoned = (pfn: number) => (k.kernel.pages.at(pfn).flags & PG.hwpoison) !== 0
    const marked = [P0, P0 + 1, P0 + 511, P0 + 512].map(poisoned)
    expect(marked).toEqual([true, true, true, false])
    expect(k.kernel.globals.num_poisoned_pages).toBe(512)
  })

  it('passes over pages that belong to no file in one step', () => {
    const k = bootFiles(SERIES)
    const r = k.task('R').begins(__device_release_driver, device).runTo('fail_unowned')
    r.step()
    expect(r.next).toBe('failed')
  })

  it('makes a call for every page: 8 here', () => {
    const k = boot(true)
    const r = k.task('R').begins(__device_release_driver, device).runTo('failed')
    expect(k.kernel.machine.frames(r.id)[0]?.locals['calls']).toBe(8)
  })
})

describe('W20: a fault between direct_access and associate', () => {
  const faulting = (k: RemovalKernel, step: string) =>
    k
      .task('A')
      .begins(userStore, { vpn: k.vpn('A'), value: 0xf1 })
      .runTo(step)
  const now = (k: RemovalKernel) => [
    k.alive,
    k.srcu,
    k.slot(),
    k.kernel.pages.at(P3).mapping,
    k.pte('A'),
  ]

  it('has the numbers of every row: the page is passed over, and its entry comes after', () => {
    const k = bootFiles(SERIES)
    const a = faulting(k, 'iomap')
    expect(now(k)).toEqual([1, 0, '0x9', 0, 'none'])
    a.runTo('read_unlock')
    expect(now(k)).toEqual([1, 1, '0x9', 0, 'none'])
    a.step()
    expect(now(k)).toEqual([1, 0, '0x9', 0, 'none'])
    const r = k.task('R').begins(__device_release_driver, device).runTo('is_idle')
    expect(now(k)).toEqual([0, 0, '0x9', 0, 'none'])
    r.runTo('put_pages')
    expect(now(k)).toEqual([0, 0, '0x9', 0, 'none'])
    a.step()
    expect(now(k)).toEqual([0, 0, '0x4802031', 1, 'none'])
    a.step()
    expect(now(k)).toEqual([0, 0, '0x4802031', 1, 'P3 rw'])
    expect(k.s1).toBe('holds')
    expect([r.finishes(), k.pg, k.pte('A'), k.s1]).toEqual([0, 'exited', 'P3 rw', STALE])
  })

  it('is an oops where the struct pages went before the file is associated: no entry is made', () => {
    const k = bootFiles(SERIES)
    const a = faulting(k, 'insert_entry')
    k.task('R').begins(__device_release_driver, device).finishes()
    a.step()
    expect(k.logLines.slice(-2)).toEqual([
      'RIP: dax_associate_entry',
      'Call Trace: dax_iomap_fault',
    ])
    a.finishes()
    expect([k.slot(), k.pte('A'), a.row.signal, k.s1]).toEqual(['–', 'none', 'SIGKILL', 'holds'])
  })

  it.each([
    ['v6.12', 'P3 ro', 'none', []],
    ['v6.15', 'none', 'SIGKILL', ['RIP: vmf_insert_page_mkwrite']],
  ] as const)(
    '%s: one step later a read has the entry %s, which counts in the page from 6.15 on',
    (preset, entry, signal, rip) => {
      const k = bootFiles(preset)
      const a = k
        .task('A')
        .begins(userLoad, { vpn: k.vpn('A'), value: 0 })
        .runTo('insert_pte')
      k.task('R').begins(__device_release_driver, device).finishes()
      a.finishes()
      expect([k.pte('A'), a.row.signal]).toEqual([entry, signal])
      expect(k.logLines.filter((line) => line.startsWith('RIP'))).toEqual(rip)
    },
  )

  it.each([
    ['v6.12', []],
    ['v6.15', ['RIP: zap_present_ptes']],
  ] as const)('%s: the exit of who has an entry of a device that is gone', (preset, rip) => {
    const k = bootFiles(preset)
    k.load('A', userLoad)
    k.task('R').begins(__device_release_driver, device).finishes()
    expect(k.pte('A')).toBe('P3 ro')
    k.task('A').begins(do_exit).finishes()
    expect(k.logLines.filter((line) => line.startsWith('RIP'))).toEqual(rip)
  })

  it('lets kill_dax() wait for a reader that is still inside', () => {
    const k = bootFiles(SERIES)
    const a = faulting(k, 'read_unlock')
    const r = k.task('R').begins(__device_release_driver, device).runs()
    expect([k.alive, k.srcu]).toEqual([0, 1])
    expect(r.reason).toBe('waits for 1 readers inside dax_read_lock()')
    a.step()
    expect(r.reason).toBe('')
  })

  it('is cured from 6.8 on with rmapbt: the walk waits for the entry that A has locked', () => {
    const k = bootFiles('v6.12', { policies: { rmapbt: 'on' } })
    const a = k
      .task('A')
      .begins(userLoad, { vpn: k.vpn('A'), value: 0 })
      .runTo('insert_entry')
    const r = k.task('R').begins(__device_release_driver, device).runs()
    expect([r.reason, k.alive]).toEqual([
      'waits for the DAX entry of file page 0, which A has locked',
      1,
    ])
    a.finishes()
    expect([k.slot(), k.pte('A')]).toEqual(['0x4802030', 'P3 ro'])
    expect([r.finishes(), k.pg, k.pte('A'), k.s1]).toEqual([0, 'exited', 'none', 'holds'])
  })

  it('is cured for early-kill processes where SRCU is held until the entry exists', () => {
    const k = bootFiles(SERIES)
    k.task('A').row.mce_kill = 'early'
    const held = () =>
      withMutation(
        dax_iomap_fault,
        'insert_pte',
        (kernel, t, original) => {
          const next = original(kernel, t)
          kernel.daxDevices.at(1).srcu_readers -= 1
          return next
        },
        () => {
          const a = faulting(k, 'insert_entry')
          const r = k.task('R').begins(__device_release_driver, device).runs()
          expect(r.reason).toBe('waits for 1 readers inside dax_read_lock()')
          a.finishes()
          expect(r.finishes()).toBe(0)
        },
      )
    withMutation(dax_iomap_fault, 'read_unlock', () => 'insert_entry', held)
    expect([k.pg, k.pte('A'), k.signal('A'), k.s1]).toEqual([
      'exited',
      'none',
      'BUS_MCEERR_AO 12',
      'holds',
    ])
  })
})
