import { describe, expect, it } from 'vitest'
import { bootMemory, type MemoryKernel, P, Q, sheet } from '../../testing/memory-kernel'
import { dmaRead } from '../drivers/dma/engine'
import { ENOMEM } from '../include/errno'
import { PG } from '../include/page-flags'
import { kernel_clone } from '../kernel/fork'
import { hasFlag, maybeDmaPinned } from './folio'
import { get_user_pages_fast, pin_user_pages_fast, unpin_user_pages } from './gup'
import { isFolioLocked } from './locks'
import { userStore } from './user-access'

const pinArgs = (k: MemoryKernel, write: number, longterm = 0) => ({
  start: k.vpn,
  pages: 1,
  write,
  longterm,
  force: 0,
})

describe('W2: pin_user_pages_fast(FOLL_WRITE) and unpin, no contention (6.12)', () => {
  it('has the counters and holders of every row', () => {
    const k = bootMemory()
    const row = sheet(k, P)
    const mm = k.kernel.mms.at(1)
    const isReferenced = () => hasFlag(k.kernel, P, PG.referenced)
    row('1 / 0 EL (pte1)')
    expect([k.entry('parent'), mm.has_pinned, mm.write_protect_seq]).toEqual(['P RW', 0, 0])
    const cpu = k.task('parent').begins(pin_user_pages_fast, pinArgs(k, 1)).runTo('read_seq')
    row('1 / 0 EL (pte1)')
    expect(mm.has_pinned).toBe(1)
    cpu.runTo('read_pte')
    row('1 / 0 EL (pte1)')
    expect([mm.write_protect_seq, cpu.row.irqs_off]).toEqual([0, 0])
    cpu.runTo('try_grab')
    row('1 / 0 EL (pte1)')
    expect(cpu.row.irqs_off).toBe(1)
    cpu.runTo('add_bias')
    row('2 / 0 EL (pte1 try1)')
    expect(maybeDmaPinned(k.kernel, P)).toBe(false)
    cpu.runTo('recheck')
    row('1025 / 0 EL (pte1 pin1)')
    expect(maybeDmaPinned(k.kernel, P)).toBe(true)
    cpu.runTo('record')
    row('1025 / 0 EL (pte1 pin1)')
    expect(isReferenced()).toBe(false)
    cpu.runTo('put_pgmap')
    row('1025 / 0 ELR (pte1 pin1)')
    expect(k.kernel.pinned.in(1).at(0).pfn).toBe(P)
    cpu.runTo('irqs_on')
    expect(cpu.row.irqs_off).toBe(1)
    expect(cpu.finishes()).toBe(1)
    row('1025 / 0 ELR (pte1 pin1)')
    expect([cpu.row.irqs_off, mm.write_protect_seq]).toEqual([0, 0])
    cpu.begins(unpin_user_pages, { handle: 1 }).finishes()
    row('1 / 0 ELR (pte1)')
    expect(mm.has_pinned).toBe(1)
  })

  it('tests the placement of a long-term pin at two references (row 5)', () => {
    const k = bootMemory()
    const row = sheet(k, P)
    const cpu = k.task('parent').begins(pin_user_pages_fast, pinArgs(k, 1, 1))
    cpu.runTo('check_longterm')
    row('2 / 0 EL (pte1 try1)')
    cpu.runTo('add_bias')
    row('2 / 0 EL (pte1 try1)')
    expect(cpu.finishes()).toBe(1)
    row('1025 / 0 ELR (pte1 pin1)')
  })
})

describe('W17: a read-only FOLL_PIN of a shared page unshares it (5.19+)', () => {
  const shared = (preset: string) => {
    const k = bootMemory({ preset })
    k.task('parent').begins(kernel_clone, { name: 'child' }).finishes()
    return k
  }

  it.each(['v5.19', 'v6.12'])('has the counters and holders of every row in %s', (preset) => {
    const k = shared(preset)
    const row = sheet(k, P, Q)
    row('2 / 1 L (pte2)')
    expect([k.entry('parent'), k.entry('child')]).toEqual(['P RO', 'P RO'])
    const child = k.task('child').begins(pin_user_pages_fast, pinArgs(k, 0)).runTo('add_bias')
    row('3 / 1 L (pte2 try1)')
    child.runTo('recheck')
    row('1026 / 1 L (pte2 pin1)')
    child.runTo('put_pgmap')
    row('2 / 1 L (pte2)')
    child.runTo('take_old')
    row('2 / 1 L (pte2)')
    child.runTo('copy')
    row('3 / 1 L (pte2 tmp1)')
    child.runTo('remove_rmap')
    row('3 / 1 L (pte2 tmp1)', '2 / 0 E (pte1 lru1)')
    expect(k.entry('child')).toBe('Q RO')
    expect(k.pteBits('child')).not.toContain('dirty')
    expect(k.pteBits('child')).not.toContain('saved_dirty')
    child.runTo('after_pte')
    row('1 / 0 L (pte1)', '2 / 0 E (pte1 lru1)')
    expect(k.entry('parent')).toBe('P RO')
    expect(child.finishes()).toBe(1)
    row('1 / 0 L (pte1)', '1026 / 0 E (pte1 lru1 pin1)')
    expect(k.entry('child')).toBe('Q RO')
  })

  it('lets both reuse their page afterwards, and the child stays coherent with the device', () => {
    const k = shared('v6.12')
    const row = sheet(k, P, Q)
    k.task('child').begins(pin_user_pages_fast, pinArgs(k, 0)).finishes()
    k.task('parent').begins(userStore, { vpn: k.vpn, value: 0x51 }).finishes()
    row('1 / 0 LE (pte1)', '1026 / 0 E (pte1 lru1 pin1)')
    expect(k.entry('parent')).toBe('P RW')
    k.task('child').begins(userStore, { vpn: k.vpn, value: 0x52 }).finishes()
    row('1 / 0 LE (pte1)', '1026 / 0 E (pte1 lru1 pin1)')
    expect(k.entry('child')).toBe('Q RW')
    k.task('mlx5_0').begins(dmaRead, { handle: 1, page: 0 }).finishes()
    expect(k.task('mlx5_0').row.value).toBe(0x52)
  })
})

describe('W18: FOLL_LONGTERM on a ZONE_MOVABLE page (6.12)', () => {
  const N = 0x40000
  const movable = () =>
    bootMemory({
      machine: { movable: { start: P, pages: 8 }, normal: { start: N, pages: 16 } },
    })

  it('has the counters and holders of every row', () => {
    const k = movable()
    const row = sheet(k, P, N)
    row('1 / 0 EL (pte1)')
    expect(k.entry('parent')).toBe('P RW')
    expect(k.kernel.zones.find(({ start, end }) => start <= P && P < end)?.type).toBe('MOVABLE')
    const owner = k.task('parent').begins(pin_user_pages_fast, pinArgs(k, 1, 1))
    owner.runTo('check_longterm')
    row('2 / 0 EL (pte1 try1)')
    owner.runTo('put_pgmap')
    row('1 / 0 EL (pte1)')
    owner.runTo('collect')
    row('1025 / 0 EL (pte1 pin1)')
    owner.runTo('unpin')
    row('1026 / 0 E (pte1 pin1 iso1)')
    owner.runTo('migrate')
    row('2 / 0 E (pte1 iso1)')
    owner.runTo('unmap')
    row('2 / 0 E (pte1 iso1)', '1 / -1 (alloc1)')
    expect([P, N].map((pfn) => isFolioLocked(k.kernel, pfn))).toEqual([true, true])
    owner.runTo('move')
    row('1 / -1 (iso1)', '1 / -1 (alloc1)')
    expect(k.entry('parent')).toBe('migration_write')
    owner.runTo('add_lru')
    row('1 / -1 (iso1)', '1 / -1 (alloc1)')
    expect(k.kernel.contents.at(N).value).toBe(0x50)
    expect(k.kernel.pages.at(N).index).toBe(k.vpn)
    owner.runTo('drain')
    row('1 / -1 (iso1)', '2 / -1 (alloc1 lru1)')
    owner.runTo('remap')
    row('1 / -1 (iso1)', '1 / -1 L (alloc1)')
    owner.runTo('unlock')
    row('1 / -1 (iso1)', '2 / 0 LE (alloc1 pte1)')
    expect(k.entry('parent')).toBe('0x40000 RW')
    owner.runTo('migrated')
    row('0 / -1 (–)', '1 / 0 LE (pte1)')
    expect(owner.finishes()).toBe(1)
    row('0 / -1 (–)', '1025 / 0 LE (pte1 pin1)')
  })

  it('fails with -ENOMEM where somebody else holds the page at row 7', () => {
    const k = movable()
    const row = sheet(k, P, N)
    k.task('thread 2').begins(get_user_pages_fast, pinArgs(k, 1)).finishes()
    const owner = k
      .task('parent')
      .begins(pin_user_pages_fast, pinArgs(k, 1, 1))
      .runTo('move')
    row('2 / -1 (get1 iso1)', '1 / -1 (alloc1)')
    expect(owner.finishes()).toBe(-ENOMEM)
    row('2 / 0 EL (pte1 get1)', '0 / -1 (–)')
    expect(k.entry('parent')).toBe('P RW')
  })
})
