import { describe, expect, it } from 'vitest'
import { flagsSet } from '../../arena'
import { bootMemory, type MemoryKernel, P, Q, R, sheet } from '../../testing/memory-kernel'
import { PTE } from '../arch/x86/pgtable'
import { dmaRead, dmaWrite } from '../drivers/dma/engine'
import { pipe_read, vmsplice_to_pipe } from '../fs/splice'
import { kernel_clone } from '../kernel/fork'
import { get_user_pages_fast, pin_user_pages_fast } from './gup'
import { do_munmap } from './mmap'
import { userLoad, userStore } from './user-access'

const S0 = 0x50
const S1 = 0x51

const pinArgs = (k: MemoryKernel) => ({ start: k.vpn, pages: 1, write: 1, longterm: 1, force: 0 })
const fork = (k: MemoryKernel) => k.task('parent').begins(kernel_clone, { name: 'child' })
const store = (k: MemoryKernel, who: string, value: number) =>
  k.task(who).begins(userStore, { vpn: k.vpn, value })
const load = (k: MemoryKernel, who: string): number => {
  const task = k.task(who)
  task.begins(userLoad, { vpn: k.vpn, value: 0 }).finishes()
  return task.row.value
}

describe('W3: plain fork, parent writes first, child writes last (6.12)', () => {
  /** The entry of the child, which has no thread before it is woken. */
  const childBits = (k: MemoryKernel) => flagsSet(PTE, k.kernel.ptes.in(2).at(k.vpn).flags)

  it('has the counters and holders of rows 0 to 4, the fork', () => {
    const k = bootMemory()
    const row = sheet(k, P)
    const mm = k.kernel.mms.at(1)
    const locks = () => k.kernel.ptls.in(1).runs().length
    row('1 / 0 EL (pte1)')
    expect([k.entry('parent'), k.kernel.mms.rows().length]).toEqual(['P RW', 1])
    const parent = fork(k).runTo('try_dup')
    row('2 / 0 EL (pte1 tmp1)')
    expect([mm.mmap_lock, mm.write_protect_seq, locks()]).toEqual([parent.id, 1, 1])
    parent.runTo('wrprotect')
    row('2 / 1 L (pte2)')
    expect(k.entry('parent')).toBe('P RW')
    parent.runTo('set_child')
    row('2 / 1 L (pte2)')
    expect([k.entry('parent'), locks()]).toEqual(['P RO', 1])
    parent.runTo('copy_pte')
    row('2 / 1 L (pte2)')
    expect([childBits(k).includes('accessed'), locks()]).toEqual([false, 0])
    expect(mm.write_protect_seq).toBe(1)
    parent.runTo('flush')
    expect(mm.write_protect_seq).toBe(2)
    parent.finishes()
    row('2 / 1 L (pte2)')
    expect([k.entry('parent'), k.entry('child')]).toEqual(['P RO', 'P RO'])
    expect(k.kernel.tlb.in(parent.id).runs()).toEqual([])
    expect(mm.mmap_lock).toBe(0)
  })

  it('has the counters and holders of rows 5 to 14, the writes', () => {
    const k = bootMemory()
    const row = sheet(k, P, Q)
    const locks = () => k.kernel.ptls.in(1).runs().length
    fork(k).finishes()
    const parent = store(k, 'parent', S1).runTo('take_old')
    row('2 / 1 L (pte2)')
    expect(locks()).toBe(1)
    parent.runTo('copy')
    row('3 / 1 L (pte2 tmp1)')
    expect(locks()).toBe(0)
    parent.runTo('clear_pte')
    row('3 / 1 L (pte2 tmp1)', '1 / -1 U (alloc1)')
    expect(k.kernel.contents.at(Q).value).toBe(S0)
    parent.runTo('add_rmap')
    row('3 / 1 L (pte2 tmp1)', '1 / -1 U (alloc1)')
    expect([k.entry('parent'), k.kernel.tlb.in(parent.id).runs()]).toEqual(['none', []])
    parent.runTo('set_pte')
    row('3 / 1 L (pte2 tmp1)', '2 / 0 UE (pte1 lru1)')
    parent.runTo('remove_rmap')
    row('3 / 1 L (pte2 tmp1)', '2 / 0 UE (pte1 lru1)')
    expect(k.entry('parent')).toBe('Q RW')
    expect(k.pteBits('parent')).toContain('dirty')
    parent.runTo('put_old')
    row('3 / 0 L (pte1 tmp1 zap1)', '2 / 0 UE (pte1 lru1)')
    expect(locks()).toBe(0)
    parent.runTo('put_tmp')
    row('2 / 0 L (pte1 tmp1)', '2 / 0 UE (pte1 lru1)')
    parent.finishes()
    row('1 / 0 L (pte1)', '2 / 0 UE (pte1 lru1)')
    expect([load(k, 'parent'), load(k, 'child')]).toEqual([S1, S0])
    store(k, 'child', 0x52).finishes()
    row('1 / 0 LE (pte1)', '2 / 0 UE (pte1 lru1)')
    expect([k.entry('child'), k.kernel.freePages.has(R)]).toEqual(['P RW', true])
    expect([load(k, 'parent'), load(k, 'child')]).toEqual([S1, 0x52])
  })
})

describe('W4: the vmsplice leak, CVE-2020-29374', () => {
  /** Rows 0 to 4. Before 5.19 there is no flag E. */
  const untilUnmapped = (preset: string) => {
    const k = bootMemory({ preset })
    const { vpn } = k
    const row = sheet(k, P)
    row(preset === 'v6.12' ? '1 / 0 EL (pte1)' : '1 / 0 L (pte1)')
    expect([k.entry('parent'), k.kernel.contents.at(P).value]).toEqual(['P RW', S0])
    fork(k).finishes()
    row('2 / 1 L (pte2)')
    expect([k.entry('parent'), k.entry('child')]).toEqual(['P RO', 'P RO'])
    const child = k.task('child')
    child.begins(vmsplice_to_pipe, { vpn, pages: 1, pipe: 1 }).finishes()
    row('3 / 1 L (pte2 get1)')
    expect(k.kernel.pipeBuffers.in(1).at(0).pfn).toBe(P)
    const mm = child.row.mm
    const area = k.kernel.vmas.find(({ label, vm_mm }) => label === 'A' && vm_mm === mm)
    child.begins(do_munmap, { vma: area?.id }).runTo('flush')
    row('3 / 0 L (pte1 get1 zap1)')
    expect(k.entry('child')).toBe('none')
    child.finishes()
    row('2 / 0 L (pte1 get1)')
    return k
  }

  it.each(['v4.14', 'v5.1', 'v5.7'])('reuses the page and leaks in %s (row 5i)', (preset) => {
    const k = untilUnmapped(preset)
    const parent = store(k, 'parent', S1).runTo('count_entries')
    sheet(k, P)('2 / 0 L (pte1 get1)')
    parent.finishes()
    sheet(k, P)('2 / 0 L (pte1 get1)')
    expect([k.entry('parent'), k.kernel.contents.at(P).value]).toEqual(['P RW', S1])
    k.task('child').begins(pipe_read, { pipe: 1 }).finishes()
    expect(k.task('child').row.value).toBe(S1)
  })

  it.each(['v5.9', 'v6.12'])('copies the page and does not leak in %s (rows 5 to 9)', (preset) => {
    const k = untilUnmapped(preset)
    const row = sheet(k, P, Q)
    const copy = preset === 'v6.12' ? '2 / 0 E (pte1 lru1)' : '2 / 0 (pte1 lru1)'
    const parent = store(k, 'parent', S1).runTo('copy')
    row('3 / 0 L (pte1 get1 tmp1)')
    parent.runTo('remove_rmap')
    row('3 / 0 L (pte1 get1 tmp1)', copy)
    expect(k.entry('parent')).toBe('Q RW')
    parent.runTo('put_old')
    row('3 / -1 L (get1 zap1 tmp1)', copy)
    parent.finishes()
    row('1 / -1 L (get1)', copy)
    expect(load(k, 'parent')).toBe(S1)
    const child = k.task('child').begins(pipe_read, { pipe: 1 })
    child.finishes()
    expect(child.row.value).toBe(S0)
    row('0 / -1 (–)', copy)
  })
})

describe('W5: RDMA registration, fork, parent writes, before 5.9', () => {
  const schedule = [
    { preset: 'v5.1', gup: get_user_pages_fast, held: 'get1', refs: [2, 3, 4, 2] },
    { preset: 'v5.1', gup: pin_user_pages_fast, held: 'pin1', refs: [2, 3, 4, 2] },
    { preset: 'v5.7', gup: pin_user_pages_fast, held: 'pin1', refs: [1025, 1026, 1027, 1025] },
    { preset: 'v5.8', gup: pin_user_pages_fast, held: 'pin1', refs: [1025, 1026, 1027, 1025] },
  ]

  it.each(schedule)('ends with the device on the page of the child: $preset, $held', (era) => {
    const { preset, gup, held } = era
    const [registered, forked, holding, ended] = era.refs
    const k = bootMemory({ preset })
    const row = sheet(k, P, Q)
    row('1 / 0 L (pte1)')
    expect(k.entry('parent')).toBe('P RW')
    expect(
      k
        .task('parent')
        .begins(gup, { ...pinArgs(k), longterm: 0 })
        .finishes(),
    ).toBe(1)
    row(`${registered} / 0 L (pte1 ${held})`)
    fork(k).finishes()
    row(`${forked} / 1 L (pte2 ${held})`)
    expect([k.entry('parent'), k.entry('child')]).toEqual(['P RO', 'P RO'])
    const parent = store(k, 'parent', S1).runTo('copy')
    row(`${holding} / 1 L (pte2 ${held} tmp1)`)
    parent.runTo('remove_rmap')
    row(`${holding} / 1 L (pte2 ${held} tmp1)`, '2 / 0 (pte1 lru1)')
    expect(k.entry('parent')).toBe('Q RW')
    parent.finishes()
    row(`${ended} / 0 L (pte1 ${held})`, '2 / 0 (pte1 lru1)')
    expect([k.entry('parent'), k.entry('child')]).toEqual(['Q RW', 'P RO'])
    k.task('mlx5_0').begins(dmaWrite, { handle: 1, page: 0, value: 0xd1 }).finishes()
    row(`${ended} / 0 L (pte1 ${held})`, '2 / 0 (pte1 lru1)')
    expect([load(k, 'parent'), load(k, 'child')]).toEqual([S1, 0xd1])
  })
})

describe('W6: the same schedule with the early copy of fork (6.12)', () => {
  it('has the counters and holders of every row', () => {
    const k = bootMemory()
    const C = Q
    const row = sheet(k, P, C)
    const mm = k.kernel.mms.at(1)
    const locks = () => k.kernel.ptls.in(1).runs().length
    row('1 / 0 EL (pte1)')
    expect(k.entry('parent')).toBe('P RW')
    k.task('parent').begins(pin_user_pages_fast, pinArgs(k)).finishes()
    row('1025 / 0 EL (pte1 pin1)')
    expect(mm.has_pinned).toBe(1)
    const parent = fork(k).runTo('try_dup')
    row('1026 / 0 EL (pte1 pin1 tmp1)')
    expect([mm.write_protect_seq, locks()]).toEqual([1, 1])
    parent.runTo('prealloc')
    row('1025 / 0 EL (pte1 pin1)', '0 / -1 (–)')
    parent.runTo('look_again')
    row('1025 / 0 EL (pte1 pin1)', '1 / -1 (alloc1)')
    expect([mm.write_protect_seq, locks()]).toEqual([1, 0])
    parent.runTo('copy_page')
    row('1026 / 0 EL (pte1 pin1 tmp1)', '1 / -1 (alloc1)')
    parent.runTo('map_copy')
    row('1025 / 0 EL (pte1 pin1)', '1 / -1 U (alloc1)')
    expect([k.kernel.contents.at(C).value, locks()]).toEqual([S0, 1])
    parent.runTo('copy_pte')
    row('1025 / 0 EL (pte1 pin1)', '2 / 0 UE (pte1 lru1)')
    parent.finishes()
    row('1025 / 0 EL (pte1 pin1)', '2 / 0 UE (pte1 lru1)')
    expect([k.entry('parent'), k.entry('child')]).toEqual(['P RW', 'Q RW'])
    expect(store(k, 'parent', S1).step().next).toBeUndefined()
    row('1025 / 0 EL (pte1 pin1)', '2 / 0 UE (pte1 lru1)')
    const device = k.task('mlx5_0')
    device.begins(dmaRead, { handle: 1, page: 0 }).finishes()
    expect(device.row.value).toBe(S1)
    device.begins(dmaWrite, { handle: 1, page: 0, value: 0xd1 }).finishes()
    expect([load(k, 'parent'), load(k, 'child')]).toEqual([0xd1, S0])
  })
})
