import { describe, expect, it } from 'vitest'
import { truncateMistakes } from '../../testing/dax-mistakes'
import { withMistake } from '../../testing/mutate'
import { F1DATA, P3 } from '../../testing/removal-kernel'
import {
  bootF1,
  bootUntouched,
  F1,
  F2DATA,
  NVME,
  type TruncateKernel,
} from '../../testing/truncate-kernel'
import { noFreedBlockHeld } from '../invariants/no-freed-block-held'
import { unpin_user_pages } from '../mm/gup'
import { userStore } from '../mm/user-access'
import { filp_close, vfs_unlink } from './inode'

const SLOT = '0x4802030'
const P4 = P3 + 1
const WARNING = 'WARNING: CPU: 0 PID: 0 at fs/dax.c:390 dax_disassociate_entry'
const waitsFor = (page: string, from: number, to: number, who: string) =>
  `waits for page ${page} to be idle: refcount ${from} → ${to}; held by ${who} (FOLL_PIN)`

describe('W9: why MMAPLOCK is dropped', () => {
  /** Rows 1 and 2: A has pinned page 0 and comes to page 1, which is not mapped yet; T sleeps. */
  const untilFault = (k: TruncateKernel) => {
    const a = k.gup('A', 'PIN', { pages: 2 }).runTo('slow')
    const counts = () => [k.ref(P3), k.ref(P4), k.locks]
    expect([...counts(), k.entry(), k.entry('A', 1)]).toEqual([1025, 1, '–', 'P3', 'none'])
    const t = k.truncate().runs()
    expect([t.next, t.reason]).toEqual(['sleep', waitsFor('0x480203', 1025, 1, 'A')])
    return { a, t, counts }
  }

  it('has the numbers and locks of every row: A faults, pins and unpins meanwhile', () => {
    const k = bootF1('v6.12', { pages: 2 })
    const { a, t, counts } = untilFault(k)
    expect(counts()).toEqual([1025, 1, 'T:I'])
    a.runTo('grab_entry')
    expect(counts()).toEqual([1025, 1, 'T:I m1'])
    expect(a.finishes()).toBe(2)
    expect(counts()).toEqual([1025, 1025, 'T:I'])
    expect([k.slotOf(1), k.entry('A', 1)]).toEqual(['0x4802040', 'P4'])
    k.dma()
    k.unpin('A')
    expect([...counts(), t.reason]).toEqual([1, 1, 'T:I', ''])
    expect([t.finishes(), ...counts()]).toEqual([0, 1, 1, '–'])
    expect([k.own(), k.own(P4), k.slotOf(1), k.cont()]).toEqual(['free', 'free', '∅', NVME])
  })

  it('ends in the cycle T → pin → A → T where T keeps MMAPLOCK (L5)', () => {
    withMistake(truncateMistakes.keepsMmaplock, () => {
      const k = bootF1('v6.12', { pages: 2 })
      const { a, t, counts } = untilFault(k)
      expect(counts()).toEqual([1025, 1, 'T:I,M'])
      a.runs()
      expect(a.reason).toBe('waits for MMAPLOCK of F1, which T holds')
      expect(t.reason).toBe(waitsFor('0x480203', 1025, 1, 'A'))
      expect(counts()).toEqual([1025, 1, 'T:I,M'])
    })
  })
})

describe('W10: pins that follow each other starve a truncate', () => {
  it('finds the other page busy in every round, and ends when B stops', () => {
    const k = bootF1('v6.12', { pages: 2, mappers: ['A', 'B'] })
    let held = pinOf(k, 0)
    const t = k.truncate().runs()
    expect([k.ref(P3), k.ref(P4), t.reason]).toEqual([
      ...[1025, 1],
      waitsFor('0x480203', 1025, 1, 'B'),
    ])
    for (let round = 1; round <= 6; round++) {
      const page = round % 2
      const next = pinOf(k, page)
      expect([k.ref(P3), k.ref(P4)]).toEqual([1025, 1025])
      k.unpin('B', held)
      held = next
      expect(t.reason).toBe('')
      t.runs()
      const counts = [k.ref(P3), k.ref(P4)]
      expect(counts).toEqual(page === 1 ? [1, 1025] : [1025, 1])
      expect(t.reason).toBe(waitsFor(page === 1 ? '0x480204' : '0x480203', 1025, 1, 'B'))
      expect([k.locks, k.entry('B', 0), k.entry('B', 1)]).toEqual(['T:I', 'none', 'none'])
    }
    k.unpin('B', held)
    expect([t.finishes(), k.ref(P3), k.ref(P4), k.own()]).toEqual([0, 1, 1, 'free'])
  })

  /** B refaults and pins a page; the number of its handle. */
  const pinOf = (k: TruncateKernel, page: number): number => {
    const b = k.gup('B', 'PIN', { page })
    expect(b.finishes()).toBe(1)
    return b.row.pages
  }
})

describe('W11: gup-fast against the scan for busy pages', () => {
  const boot = (tlbFlush: 'ipi' | 'broadcast') => bootF1('v6.12', { policies: { tlbFlush } })

  it('a: T’s flush waits for G, which sees the changed entry and drops what it took', () => {
    const k = boot('ipi')
    const g = k.gup('A', 'PIN').runTo('get_pgmap')
    const t = k.truncate().runTo('unmap').runTo('scan').runs()
    expect([k.ref(P3), k.entry(), t.next]).toEqual([1, 'none', 'scan'])
    expect(t.reason).toBe('waits for the TLB flush: A has interrupts off and takes no IPI')
    g.runTo('recheck')
    expect([k.ref(P3), t.reason === '']).toEqual([1025, false])
    g.step()
    expect(k.ref(P3)).toBe(1)
    g.runs()
    expect(g.reason).toBe('waits for MMAPLOCK of F1, which T holds')
    t.runTo('unmap')
    expect([k.ref(P3), k.locks]).toEqual([1, 'T:I,M'])
    expect([t.finishes(), k.own()]).toEqual([0, 'free'])
  })

  it('b: G is done before the zap, and T waits for its pin', () => {
    const k = boot('ipi')
    const g = k.gup('A', 'PIN').runTo('record')
    const t = k.truncate().runTo('scan')
    expect([k.ref(P3), k.entry()]).toEqual([1025, 'none'])
    expect(g.finishes()).toBe(1)
    expect(t.runs().reason).toBe(waitsFor('0x480203', 1025, 1, 'A'))
    k.unpin('A')
    expect([t.finishes(), k.ref(P3), k.own()]).toEqual([0, 1, 'free'])
  })

  it('c: where no interrupt is sent, T sees a page busy that is not, and looks once more', () => {
    const k = boot('broadcast')
    const g = k.gup('A', 'PIN').runTo('get_pgmap')
    const t = k.truncate().runTo('scan')
    expect([k.ref(P3), k.entry(), t.reason]).toEqual([1, 'none', ''])
    g.runTo('recheck')
    expect(k.ref(P3)).toBe(1025)
    expect(t.runs().next).toBe('sleep')
    expect(t.reason).toContain('refcount 1025 → 1')
    g.step()
    expect([k.ref(P3), t.reason]).toEqual([1, ''])
    t.runTo('scan')
    expect([t.finishes(), k.own(), k.broken(noFreedBlockHeld)]).toEqual([0, 'free', undefined])
  })

  it('frees b3 under the pin where the scan comes before the zap (S2, S11)', () => {
    withMistake(truncateMistakes.scansFirst, () => {
      const k = boot('broadcast')
      const g = k.gup('A', 'PIN').runTo('get_pgmap')
      const t = k.truncate().runTo('scan')
      expect([k.ref(P3), k.entry()]).toEqual([1, 'P3'])
      t.step()
      g.runTo('record')
      expect([k.ref(P3), k.entry()]).toEqual([1025, 'P3'])
      expect([g.finishes(), t.finishes()]).toEqual([1, 0])
      expect([k.entry(), k.own(), k.ref(P3)]).toEqual(['none', 'free', 1025])
      expect(k.broken(noFreedBlockHeld)).toBe('block 0x480203 is free, and A still holds it')
    })
  })
})

describe('W12: the hole up to 6.14, an inode that nobody maps', () => {
  const vmas = (k: TruncateKernel) => k.kernel.vmas.rows().map(({ label }) => label)
  const row = (k: TruncateKernel) => [k.ref(P3), vmas(k).join(), k.slotOf(), k.own(), k.cont()]

  it('has the numbers of every row', () => {
    const k = bootF1('v6.12')
    k.gup('A', 'PIN').finishes()
    expect(row(k)).toEqual([1025, 'A', SLOT, 'F1', F1DATA])
    k.munmap()
    expect([...row(k), k.entry()]).toEqual([1025, '', SLOT, 'F1', F1DATA, 'none'])
    const t = k.truncate().runTo('break_layouts').step()
    expect([t.next, k.locks]).toEqual(['unmap', 'T:I,M'])
    t.step()
    expect([t.next, k.kernel.inodes.at(F1).i_size]).toEqual(['unmap', 4096])
    t.runTo('free_blocks')
    expect([...row(k), k.kernel.pages.at(P3).mapping]).toEqual([1025, '', '∅', 'F1', F1DATA, 0])
    expect(k.logLines).toEqual([WARNING])
    t.step()
    expect([k.own(), k.broken(noFreedBlockHeld)]).toEqual([
      'free',
      'block 0x480203 is free, and A still holds it',
    ])
    expect([t.finishes(), k.createsF2()]).toEqual([0, 'b3'])
    expect(row(k)).toEqual([1025, '', '∅', 'F2', F2DATA])
    k.dma()
    expect(row(k)).toEqual([1025, '', '∅', 'F2', NVME])
  })

  it('has it by unlink and close as well: an eviction does not ask', () => {
    const k = bootF1('v6.12')
    k.kernel.inodes.at(F1).i_opens = 1
    k.gup('A', 'PIN').finishes()
    k.munmap()
    k.task('T').begins(vfs_unlink, { inode: F1 }).finishes()
    expect(row(k)).toEqual([1025, '', SLOT, 'F1', F1DATA])
    k.task('A').begins(filp_close, { inode: F1 }).finishes()
    expect([k.ref(P3), k.own(), k.logLines]).toEqual([1025, 'free', [WARNING]])
    expect(k.createsF2()).toBe('b3')
    k.dma()
    expect([k.own(), k.cont(), k.ref(P3)]).toEqual(['F2', NVME, 1025])
  })
})

describe('W13: idle is 0, and the last eviction waits (6.15)', () => {
  const row = (k: TruncateKernel) => {
    const { refcount, mapcount } = k.kernel.pages.at(P3)
    return [refcount, mapcount + 1, refcount - mapcount - 1, k.slotOf()]
  }

  it('has the numbers of every row', () => {
    const k = bootUntouched('v6.15')
    k.kernel.inodes.at(F1).i_opens = 1
    expect(row(k)).toEqual([0, 0, 0, '∅'])
    const a = k
      .task('A')
      .begins(userStore, { vpn: k.vpn('A'), value: F1DATA })
      .runTo('insert_pte')
    expect(row(k)).toEqual([1, 0, 1, '0x4802031'])
    expect(k.kernel.pages.at(P3).mapping).toBe(F1)
    a.finishes()
    expect(row(k)).toEqual([1, 1, 0, SLOT])
    k.gup('A', 'PIN').finishes()
    expect(row(k)).toEqual([1025, 1, 1024, SLOT])
    k.munmap()
    expect(row(k)).toEqual([1024, 0, 1024, SLOT])
    k.task('T').begins(vfs_unlink, { inode: F1 }).finishes()
    const close = k.task('A').begins(filp_close, { inode: F1 }).runs()
    expect(row(k)).toEqual([1024, 0, 1024, SLOT])
    expect([k.own(), close.reason]).toEqual(['F1', waitsFor('0x480203', 1024, 0, 'A')])
    expect(k.kernel.machine.waiting(close.id)?.state).toBe('D')
    k.task('D').begins(unpin_user_pages, { handle: 1 }).finishes()
    expect([...row(k), close.reason]).toEqual([0, 0, 0, SLOT, ''])
    close.runTo('free_blocks')
    expect([...row(k), k.kernel.pages.at(P3).mapping]).toEqual([0, 0, 0, '∅', 0])
    close.finishes()
    expect([k.own(), k.kernel.inodes.isLive(F1), k.logLines]).toEqual(['free', false, []])
  })
})
