import { describe, expect, it } from 'vitest'
import { F1DATA, FIRST, P3 } from '../../testing/removal-kernel'
import {
  bootF1,
  bootUntouched,
  F1,
  F2DATA,
  NVME,
  type TruncateKernel,
} from '../../testing/truncate-kernel'
import { EBUSY } from '../include/errno'
import { noFreedBlockHeld } from '../invariants/no-freed-block-held'
import { userStore } from '../mm/user-access'
import { dax_lease_break_work, update_wall_time } from './dax-lease'
import { daxRead } from './dax-rw'
import { punchArgs } from './shrink'
import { xfs_file_fallocate } from './xfs/xfs_file'

const RAM = 0x12345

/** F1 is mapped, and a device has been armed to write into its page; T truncates. */
function begun(daxTruncate: string) {
  const k =
    daxTruncate === 'noDax'
      ? bootUntouched('v4.14', { policies: { daxTruncate }, memory: { start: RAM, pages: 8 } })
      : bootF1('v4.14', { policies: { daxTruncate } })
  if (daxTruncate === 'noDax') k.touch()
  k.gup('A', 'GET').finishes()
  return { k, t: k.truncate().runs() }
}

/** Column “Truncate result”. */
function result({ k, t }: ReturnType<typeof begun>): string {
  if (!k.kernel.machine.isIdle(t.id)) return 'waits'
  if (t.row.ret === -EBUSY) return '-EBUSY-like'
  return k.kernel.pageCache.in(F1).runs().length === 0 && t.row.ret === 0 ? 'immediate' : 'other'
}

/** Where the store of the device arrives, after whoever wants the block has had his turn. */
function dma({ k, t }: ReturnType<typeof begun>): string {
  const isDone = k.kernel.machine.isIdle(t.id)
  const f2 = isDone ? k.createsF2() : 'none'
  k.dma()
  const hit = k.kernel.pinned.in(1).at(0).pfn
  expect(k.cont(hit)).toBe(NVME)
  if (hit === RAM) return f2 === 'b3' && k.cont() === F2DATA ? 'orphan page' : 'other'
  if (k.own() === 'F2') return 'writes block now owned by another file'
  if (k.own() === 'lost+found') return 'lands in LF, inspectable'
  return k.own() === 'F1' ? 'safe' : 'other'
}

describe('3.3, the options of 2017: what truncate and DMA come to', () => {
  it.each([
    ['baseline ≤4.17', 'ignore', 'immediate', 'writes block now owned by another file'],
    ['1 fail', 'fail', '-EBUSY-like', 'safe'],
    ['2 block, by leases (P1)', 'lease', 'waits', 'safe'],
    ['2 block, by refcount (4.18)', 'wait', 'waits', 'safe'],
    ['3 remap to lost+found-like inode', 'remap', 'immediate', 'lands in LF, inspectable'],
    ['4 disable dax', 'noDax', 'immediate', 'orphan page'],
  ])('%s (%s): %s; DMA %s', (_, daxTruncate, truncated, landed) => {
    const world = begun(daxTruncate)
    expect(result(world)).toBe(truncated)
    expect(world.k.broken(noFreedBlockHeld) === undefined).toBe(daxTruncate !== 'ignore')
    expect(dma(world)).toBe(landed)
  })
})

describe('3.3, the new failure of each option', () => {
  it('baseline: silent corruption: F2 is changed, and nobody is told', () => {
    const { k } = begun('ignore')
    k.createsF2()
    expect(k.cont()).toBe(F2DATA)
    k.dma()
    expect([k.own(), k.cont(), k.signal('A')]).toEqual(['F2', NVME, 'none'])
  })

  it('1: errors that user space never saw, also for a punched hole', () => {
    const { k } = begun('fail')
    const punch = k.task('T').begins(xfs_file_fallocate, punchArgs(k.kernel, F1, 0, 1))
    expect([punch.finishes(), k.own()]).toEqual([-EBUSY, 'F1'])
  })

  it.each(['wait', 'lease'])(
    '2, %s: hangs for as long as the pin is not dropped',
    (daxTruncate) => {
      const { k, t } = begun(daxTruncate)
      for (let second = 0; second < 3 && daxTruncate === 'lease'; second++) {
        k.task('C').begins(update_wall_time, { ticks: 2 }).finishes()
        k.task('break').begins(dax_lease_break_work, { lease: 1 }).runs()
      }
      expect([t.reason === '', k.own()]).toEqual([false, 'F1'])
    },
  )

  it('2: starves where another pin is always there (W10)', () => {
    const { k, t } = begun('wait')
    for (let round = 0; round < 3; round++) {
      expect(k.gup('A', 'GET').finishes()).toBe(1)
      k.unpin('A', k.task('A').row.pages === 1 ? 2 : 1)
      expect(t.runs().reason).toContain('refcount 2 → 1')
    }
  })

  it('3: the block stays in lost+found while the pin lasts: somebody has to reclaim it', () => {
    const { k } = begun('remap')
    const lost = k.kernel.inodes.find(({ name }) => name === 'lost+found')?.id ?? 0
    k.dma()
    const c = k.task('C').begins(daxRead, { inode: lost, pos: 0, length: 16, value: 0 })
    expect([c.finishes(), c.row.value, k.own()]).toEqual([16, NVME, 'lost+found'])
    k.unpin('A')
    expect(k.own()).toBe('free')
  })

  it('4: loses DAX: the mapping is of ordinary memory, and the block is not stored to', () => {
    const k = bootUntouched('v4.14', {
      policies: { daxTruncate: 'noDax' },
      memory: { start: RAM, pages: 8 },
    })
    k.kernel.contents.fill(P3, P3 + 1, { value: F1DATA })
    k.touch()
    expect([k.entry(), k.slotOf()]).toEqual([`P${RAM - FIRST}`, '∅'])
    expect(stored(k)).toEqual([0x44, F1DATA])
  })
})

/** What a store of A leaves in memory, and in the block. */
function stored(k: TruncateKernel): [memory: number, block: number] {
  k.task('A')
    .begins(userStore, { vpn: k.vpn('A'), value: 0x44 })
    .finishes()
  return [k.cont(RAM), k.cont()]
}
