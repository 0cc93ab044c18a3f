import { describe, expect, it } from 'vitest'
import { NONE } from '../../arena'
import { F1DATA, FIRST, P3 } from '../../testing/removal-kernel'
import {
  bootF1,
  bootUntouched,
  encodeEntry,
  F1,
  F2DATA,
  NVME,
  type TruncateKernel,
} from '../../testing/truncate-kernel'
import { EBUSY, EOPNOTSUPP, ERESTARTSYS } from '../include/errno'
import { DAX } from '../include/fs'
import { noFreedBlockHeld } from '../invariants/no-freed-block-held'
import { do_send_sig_info } from '../kernel/signal'
import { mapSync } from '../mm/mmap-sync'
import { lru_add_drain_all } from '../mm/swap'
import { userLoad } from '../mm/user-access'
import { daxRead } from './dax-rw'

const WARNING = 'WARNING: CPU: 0 PID: 0 at fs/dax.c:390 dax_disassociate_entry'
const HELD = 'block 0x480203 is free, and A still holds it'
const SLOT = '0x4802030'

describe('the encoding of an entry', () => {
  it.each([
    [P3, 0, '0x4802030'],
    [P3, DAX.locked, '0x4802031'],
    [NONE, DAX.empty | DAX.locked, '0x9'],
  ])('gives what §2.1 has for pfn %d with flags %d: %s', (pfn, flags, value) => {
    expect(encodeEntry({ pfn, flags })).toBe(value)
  })
})

describe('W1: up to 4.17 a truncate frees the block under DMA', () => {
  it('has the numbers of every row, to the silent corruption of F2', () => {
    const k = bootF1('v4.14')
    const page = k.kernel.pages.at(P3)
    expect([...k.row, k.pg, page.mapping]).toEqual([1, 'P3', SLOT, 'F1', F1DATA, 'live:9', F1])
    const a = k.gup('A', 'GET').runTo('try_grab')
    expect([k.pg, k.ref(P3)]).toEqual(['live:10', 1])
    a.runTo('irqs_on')
    expect([k.pg, k.ref(P3)]).toEqual(['live:9', 2])
    expect(a.finishes()).toBe(1)
    expect(k.row).toEqual([2, 'P3', SLOT, 'F1', F1DATA])
    const t = k.truncate().runTo('unmap').step()
    expect(k.row).toEqual([2, 'none', SLOT, 'F1', F1DATA])
    expect([k.locks, k.kernel.inodes.at(F1).i_size]).toEqual(['T:I,M', 0])
    t.runTo('free_blocks')
    expect([...k.row, page.mapping]).toEqual([2, 'none', '∅', 'F1', F1DATA, 0])
    expect(k.logLines).toContain(WARNING)
    t.step()
    expect(k.row).toEqual([2, 'none', '∅', 'free', F1DATA])
    expect(k.broken(noFreedBlockHeld)).toBe(HELD)
    expect([t.finishes(), k.locks]).toEqual([0, '–'])
    expect(k.createsF2()).toBe('b3')
    expect(k.row).toEqual([2, 'none', '∅', 'F2', F2DATA])
    k.dma()
    expect(k.row).toEqual([2, 'none', '∅', 'F2', NVME])
    k.unpin('A')
    expect([...k.row, k.pg]).toEqual([1, 'none', '∅', 'F2', NVME, 'live:9'])
  })
})

describe('W3: option 1 of 2017, a truncate that fails', () => {
  it('unmaps, finds ref 2, returns -EBUSY, and succeeds after the unpin', () => {
    const k = bootF1('v4.14', { policies: { daxTruncate: 'fail' } })
    k.gup('A', 'GET').finishes()
    const t = k.truncate().runTo('test_busy')
    expect([...k.row, k.locks]).toEqual([2, 'P3', SLOT, 'F1', F1DATA, 'T:I,M'])
    t.step()
    expect([...k.row, k.locks]).toEqual([2, 'none', SLOT, 'F1', F1DATA, 'T:I,M'])
    expect([t.finishes(), k.locks]).toEqual([-EBUSY, '–'])
    expect(k.kernel.inodes.at(F1).i_size).toBe(4096)
    expect(k.touch()).toBe(String(F1DATA))
    expect(k.row).toEqual([2, 'P3', SLOT, 'F1', F1DATA])
    k.dma()
    expect(k.row).toEqual([2, 'P3', SLOT, 'F1', NVME])
    k.unpin('A')
    expect(k.ref(P3)).toBe(1)
    expect(k.truncate().finishes()).toBe(0)
    expect(k.row).toEqual([1, 'none', '∅', 'free', NVME])
    expect(k.logLines).not.toContain(WARNING)
  })
})

describe('W4: option 2 as merged, a truncate that waits (4.18 to 6.14)', () => {
  it('has the numbers, locks and waits of every row', () => {
    const k = bootF1('v6.12')
    k.gup('A', 'PIN').finishes()
    expect([...k.row, k.locks, k.pg]).toEqual([1025, 'P3', SLOT, 'F1', F1DATA, '–', 'live:9'])
    const t = k.truncate().runTo('break_layouts')
    expect([...k.row, k.locks]).toEqual([1025, 'P3', SLOT, 'F1', F1DATA, 'T:I,M'])
    t.runTo('scan')
    expect([...k.row, k.locks]).toEqual([1025, 'none', SLOT, 'F1', F1DATA, 'T:I,M'])
    t.runTo('drop_mmaplock')
    expect([...k.row, k.locks]).toEqual([1025, 'none', SLOT, 'F1', F1DATA, 'T:I,M'])
    t.runs()
    expect([t.next, k.locks]).toEqual(['sleep', 'T:I'])
    expect(t.reason).toBe(
      'waits for page 0x480203 to be idle: refcount 1025 → 1; held by A (FOLL_PIN)',
    )
    refault(k)
    k.dma()
    expect(k.row).toEqual([1025, 'P3', SLOT, 'F1', NVME])
    k.unpin('A')
    expect([...k.row, t.next, t.reason]).toEqual([1, 'P3', SLOT, 'F1', NVME, 'sleep', ''])
    t.runTo('unmap')
    expect([k.locks, k.kernel.inodes.at(F1).i_size]).toEqual(['T:I,M', 4096])
    t.step()
    expect([...k.row, t.next]).toEqual([1, 'none', SLOT, 'F1', NVME, 'scan'])
    t.runTo('free_blocks')
    expect(k.row).toEqual([1, 'none', '∅', 'F1', NVME])
    expect([k.kernel.inodes.at(F1).i_size, k.kernel.pages.at(P3).mapping]).toEqual([0, 0])
    expect([t.finishes(), k.locks]).toEqual([0, '–'])
    expect(k.createsF2()).toBe('b3')
    expect(k.row).toEqual([1, 'none', '∅', 'F2', F2DATA])
    expect([k.logLines, k.broken(noFreedBlockHeld)]).toEqual([[], undefined])
  })

  it('keeps what A has stored where row 6, the fault while T sleeps, never comes', () => {
    const k = bootF1('v6.12')
    k.gup('A', 'PIN').finishes()
    const t = k.truncate().runs()
    k.dma()
    k.unpin('A')
    expect(t.finishes()).toBe(0)
    expect(k.row).toEqual([1, 'none', '∅', 'free', NVME])
  })

  it('returns -ERESTARTSYS from row 5 on a signal, in the state after row 3', () => {
    const k = bootF1('v6.12')
    k.gup('A', 'PIN').finishes()
    const t = k.truncate().runs()
    const args = { target: t.id, signal: 'SIGINT' }
    k.task('C').begins(do_send_sig_info, args).finishes()
    expect([t.finishes(), k.locks]).toEqual([-ERESTARTSYS, '–'])
    expect(k.row).toEqual([1025, 'none', SLOT, 'F1', F1DATA])
    expect(k.kernel.inodes.at(F1).i_size).toBe(4096)
    expect(k.kernel.pages.at(P3).mapping).toBe(F1)
    expect(k.touch()).toBe(String(F1DATA))
    k.unpin('A')
    expect(k.truncate().finishes()).toBe(0)
  })
})

describe('W5: option 3, the block goes to a file like lost+found', () => {
  it('has the numbers of every row', () => {
    const k = bootF1('v4.14', { policies: { daxTruncate: 'remap' } })
    const extents = (name: string) => {
      const inode = k.kernel.inodes.find((each) => each.name === name)
      const runs = inode === undefined ? [] : k.kernel.extents.in(inode.id).runs()
      return runs.map(({ start, pfn }) => `${start}:b${pfn - FIRST}`).join()
    }
    const row = () => [k.ref(P3), extents('F1'), extents('lost+found'), k.own()]
    k.gup('A', 'GET').finishes()
    const t = k.truncate().runTo('set_aside')
    expect([...row(), k.entry()]).toEqual([2, '0:b3', '', 'F1', 'none'])
    t.step()
    expect([...row(), k.slotOf()]).toEqual([2, '', '0:b3', 'lost+found', '∅'])
    const lost = k.kernel.inodes.find(({ name }) => name === 'lost+found')
    expect([lost?.i_ino, k.kernel.pages.at(P3).mapping]).toEqual([11, lost?.id])
    expect([t.finishes(), k.kernel.inodes.at(F1).i_size]).toEqual([0, 0])
    expect([k.createsF2(), ...row()]).toEqual(['b4', 2, '', '0:b3', 'lost+found'])
    k.dma()
    const c = k.task('C').begins(daxRead, { inode: lost?.id, pos: 0, length: 16, value: 0 })
    expect([c.finishes(), c.row.value, k.cont(P3 + 1)]).toEqual([16, NVME, F2DATA])
    expect(k.broken(noFreedBlockHeld)).toBeUndefined()
    k.unpin('A')
    expect([...row(), k.kernel.pages.at(P3).mapping]).toEqual([1, '', '', 'free', 0])
    expect(k.logLines).toEqual([])
  })
})

/** Row 6 of W4: A touches VA while T sleeps. */
function refault(k: TruncateKernel): void {
  const a = k
    .task('A')
    .begins(userLoad, { vpn: k.vpn('A'), value: 0 })
    .runTo('insert_pte')
  expect([...k.row, k.locks]).toEqual([1025, 'none', '0x4802031', 'F1', F1DATA, 'T:I m1'])
  a.step()
  expect([...k.row, k.locks]).toEqual([1025, 'P3', '0x4802031', 'F1', F1DATA, 'T:I m1'])
  a.finishes()
  expect([...k.row, k.locks]).toEqual([1025, 'P3', SLOT, 'F1', F1DATA, 'T:I'])
  expect(a.row.value).toBe(F1DATA)
}

describe('W2 and W6: the file is in the page cache, by itself or because DAX is off', () => {
  const X = 0x12345
  const boot = () => {
    const policies = { daxTruncate: 'noDax' }
    const k = bootUntouched('v4.14', { policies, memory: { start: X, pages: 8 } })
    k.kernel.contents.fill(P3, P3 + 1, { value: F1DATA })
    k.kernel.diskBlocks.in(F1).fill(0, 1, { value: F1DATA })
    expect(k.touch()).toBe(String(F1DATA))
    lru_add_drain_all(k.kernel)
    return k
  }
  const row = (k: TruncateKernel) => {
    const cached = k.kernel.pageCache.in(F1).has(0) ? 'yes' : 'no'
    return [k.ref(X), cached, k.own(), k.cont(), k.cont(X)]
  }

  it('has the numbers of every row: DMA goes into an orphan, and F2 is untouched', () => {
    const k = boot()
    expect([...row(k), k.entry()]).toEqual([2, 'yes', 'F1', F1DATA, F1DATA, `P${X - FIRST}`])
    expect(k.slotOf()).toBe('∅')
    k.gup('A', 'GET').finishes()
    expect(row(k)).toEqual([3, 'yes', 'F1', F1DATA, F1DATA])
    const t = k.truncate().runTo('uncache')
    expect([...row(k), k.entry(), k.locks]).toEqual([
      ...[2, 'yes', 'F1', F1DATA, F1DATA],
      ...['none', 'T:I,M'],
    ])
    t.step()
    expect(row(k)).toEqual([1, 'no', 'F1', F1DATA, F1DATA])
    t.step()
    expect(row(k)).toEqual([1, 'no', 'free', F1DATA, F1DATA])
    expect(t.finishes()).toBe(0)
    expect([k.createsF2(), ...row(k)]).toEqual(['b3', 1, 'no', 'F2', F2DATA, F1DATA])
    k.dma()
    expect(row(k)).toEqual([1, 'no', 'F2', F2DATA, NVME])
    k.unpin('A')
    expect([k.ref(X), k.kernel.freePages.has(X), k.own(), k.cont()]).toEqual([
      ...[0, true],
      ...['F2', F2DATA],
    ])
    expect([k.ref(P3), k.pg, k.broken(noFreedBlockHeld)]).toEqual([1, 'live:9', undefined])
  })

  it('refuses a mapping with MAP_SYNC (W6): -EOPNOTSUPP', () => {
    const k = boot()
    const a = k.task('A').begins(mapSync, { inode: F1, pages: 1, pgoff: 0, label: 'S', private: 0 })
    expect(a.finishes()).toBe(-EOPNOTSUPP)
    const areas = k.kernel.vmas.rows().map(({ label }) => label)
    expect(areas).toEqual(['A'])
  })
})
