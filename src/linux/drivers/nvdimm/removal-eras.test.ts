import { describe, expect, it } from 'vitest'
import { bootFiles, bootWritten, P3, P5, type RemovalKernel } from '../../../testing/removal-kernel'
import { prctlMceKill } from '../../kernel/sys'
import { userLoad } from '../../mm/user-access'
import { __device_release_driver } from '../base/dd'

/** The columns of the table. */
const E2 = 'v5.12'
const P0 = 'surprise-remove-2021'
const V6_0 = 'v6.1'
const V6_5 = 'v6.5'
const E4 = 'v6.12'

const withMap = { policies: { rmapbt: 'on' } }
const unbind = (k: RemovalKernel) => k.task('R').begins(__device_release_driver, { device: 1 })
const early = (k: RemovalKernel, who: string) =>
  k.task(who).begins(prctlMceKill, { policy: 'early' }).finishes()
const superBlock = (k: RemovalKernel) => k.kernel.superBlocks.at(1)
const holder = (k: RemovalKernel) => k.kernel.daxDevices.at(1).holder

/** Steps of an unbind in order, each named once. */
function order(k: RemovalKernel): string[] {
  const r = unbind(k)
  const names: string[] = []
  while (!k.kernel.machine.isIdle(r.id)) {
    const name = k.kernel.machine.stepName(r.id)
    if (!names.includes(name)) names.push(name)
    r.step()
  }
  return names
}
const MARKS = [
  'kill_dax.notify',
  'xfs_dax_notify_failure.freeze',
  'xfs_dax_notify_failure.kill',
  'xfs_dax_notify_failure.invalidate',
  'xfs_dax_notify_failure.shutdown',
  'xfs_dax_notify_failure.thaw',
  'kill_dax.clear_alive',
  'kill_dax.synchronize_srcu',
  'pmem_release_disk.put_dax',
  'dax_writeback_mapping_range.mkclean',
  'fs_bdev_mark_dead.shutdown',
  'memunmap_pages.kill',
  'pmem_pagemap_kill.kill_dax',
  'pmem_pagemap_kill.fail_owned',
  'memunmap_pages.put_pages',
]
const marks = (k: RemovalKernel) => order(k).filter((name) => MARKS.includes(name))
const short = (names: readonly string[]) => names.map((name) => name.split('.')[1])

describe('4.3, the unbind of fs-dax pmem: R1 to R3 in order', () => {
  it.each([
    [
      'E2 before P0',
      E2,
      ['notify', 'clear_alive', 'synchronize_srcu', 'put_dax', 'mkclean', 'kill', 'put_pages'],
    ],
    [
      'P0',
      P0,
      [
        'put_dax',
        'mkclean',
        'kill',
        'kill_dax',
        'notify',
        'clear_alive',
        'synchronize_srcu',
        'fail_owned',
        'put_pages',
      ],
    ],
    [
      '6.0 to 6.7',
      V6_0,
      [
        'notify',
        'kill',
        'shutdown',
        'clear_alive',
        'synchronize_srcu',
        'put_dax',
        'mkclean',
        'kill',
        'put_pages',
      ],
    ],
    [
      '6.5 to 6.7, the disk marked dead',
      V6_5,
      // The file system has shut itself down before: CORRUPT_ONDISK, so mark_dead does not again.
      [
        'notify',
        'kill',
        'shutdown',
        'clear_alive',
        'synchronize_srcu',
        'put_dax',
        'mkclean',
        'shutdown',
        'kill',
        'put_pages',
      ],
    ],
    [
      'E4+',
      E4,
      [
        'notify',
        'freeze',
        'mkclean',
        'kill',
        'invalidate',
        'shutdown',
        'thaw',
        'clear_alive',
        'synchronize_srcu',
        'put_dax',
        'shutdown',
        'kill',
        'put_pages',
      ],
    ],
  ])('%s', (_, preset, steps) => {
    expect(short(marks(bootWritten(preset, withMap)))).toEqual(steps)
  })

  it('R1: kill_dax() waits for SRCU, and clears the holder', () => {
    const k = bootWritten(E4)
    expect(holder(k)).toBe(1)
    unbind(k).runTo('put_dax')
    expect([k.alive, holder(k)]).toEqual([0, 0])
  })

  it.each([
    ['R1, 6.0 to 6.7', V6_0, 0],
    ['R1, E4+', E4, 128],
  ])('%s: flags of the notice', (_, preset, flags) => {
    const k = bootWritten(preset, withMap)
    const r = unbind(k).runTo('supported')
    expect(k.kernel.machine.frames(r.id)[0]?.locals['flags']).toBe(flags)
  })

  it('R2, 6.0 to 6.7: hwpoison is set, and metadata makes it shut down CORRUPT_ONDISK', () => {
    const k = bootWritten(V6_0, withMap)
    unbind(k).runTo('clear_alive')
    expect([k.isPoisoned(P3), superBlock(k).shutdown]).toEqual([true, 'CORRUPT_ONDISK'])
  })

  it('R2, E4+: no hwpoison flag; the whole range is unmapped; FORCE_UMOUNT; thawed', () => {
    const k = bootWritten(E4, withMap)
    k.load('B', userLoad)
    unbind(k).runTo('clear_alive')
    expect([k.isPoisoned(P3), k.isPoisoned(P5), k.pte('A'), k.pte('B')]).toEqual([
      ...[false, false],
      ...['none', 'none'],
    ])
    expect([superBlock(k).shutdown, superBlock(k).frozen]).toEqual(['FORCE_UMOUNT', 0])
  })

  it.each([
    ['E2', E2, 'no'],
    ['6.1', V6_0, 'no'],
    ['6.5', V6_5, 'DEVICE_REMOVED'],
    ['6.12', E4, 'DEVICE_REMOVED'],
  ])('R2, the sync: %s leaves the entry read-only; shut down: %s', (_, preset, shutdown) => {
    const k = bootWritten(preset)
    expect([k.isDirty(), k.pte('A')]).toEqual([true, 'P3 rw'])
    unbind(k).runTo('kill')
    expect([k.isDirty(), k.pte('A'), superBlock(k).shutdown]).toEqual([false, 'P3 ro', shutdown])
  })

  it('R3, P0: freezes the queue first, every page in turn, rc forced to 0', () => {
    const k = bootFiles(P0)
    k.load('A', userLoad)
    const r = unbind(k).runTo('fail_owned').step()
    r.runTo('put_pgmap').step()
    expect([k.pg, k.isPoisoned(P3)]).toEqual(['dying:8', true])
    expect(r.row.ret).toBe(0)
  })
})

describe('4.3: the entries after', () => {
  const entryAfter = (k: RemovalKernel) => {
    expect(unbind(k).finishes()).toBe(0)
    return k.pte('A')
  }

  it('E2: stale, present, read-only', () => {
    expect(entryAfter(bootWritten(E2, withMap))).toBe('P3 ro')
  })

  it.each([
    ['a victim was collected', true, 'none'],
    ['none was', false, 'P3 ro'],
  ])('P0: zapped if a victim was collected: %s', (_, isEarly, pte) => {
    const k = bootWritten(P0)
    if (isEarly) early(k, 'A')
    expect(entryAfter(k)).toBe(pte)
  })

  it.each([
    ['early-kill', true, 'none'],
    ['late-kill', false, 'P3 ro'],
  ])('6.0 to 6.7: zapped only where the victim is current or early-kill: %s', (_, isEarly, pte) => {
    const k = bootWritten(V6_0, withMap)
    if (isEarly) early(k, 'A')
    expect(entryAfter(k)).toBe(pte)
  })

  it('6.0 to 6.7: zapped where it is current that unbinds', () => {
    const k = bootWritten(V6_0, withMap)
    expect(k.task('A').begins(__device_release_driver, { device: 1 }).finishes()).toBe(0)
    expect(k.pte('A')).toBe('none')
  })

  it('E4+: zapped', () => {
    expect(entryAfter(bootWritten(E4, withMap))).toBe('none')
  })
})

describe('4.3: not covered', () => {
  it.each([
    ['E2: all', E2, { rmapbt: 'on' }],
    ['6.0 to 6.7: ext4', V6_0, { rmapbt: 'on', filesystem: 'ext4' }],
    ['6.0 to 6.7: no rmapbt', V6_0, { rmapbt: 'off' }],
    ['E4+: ext4', E4, { rmapbt: 'on', filesystem: 'ext4' }],
    ['E4+: no rmapbt', E4, { rmapbt: 'off' }],
  ])('%s', (_, preset, policies) => {
    const k = bootWritten(preset, { policies })
    early(k, 'A')
    unbind(k).finishes()
    expect([k.pte('A'), k.signal('A')]).toEqual(['P3 ro', 'none'])
  })

  it('P0: a page whose mapping is not set yet (W20)', () => {
    const k = bootFiles(P0)
    early(k, 'A')
    const a = k
      .task('A')
      .begins(userLoad, { vpn: k.vpn('A'), value: 0 })
      .runTo('insert_entry')
    const r = unbind(k).runTo('put_pages')
    a.runTo('unlock_entry')
    r.finishes()
    expect(k.pte('A')).toBe('P3 ro')
  })
})
