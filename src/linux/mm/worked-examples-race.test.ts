import { describe, expect, it } from 'vitest'
import { bootMemory, type MemoryKernel, P, Q, sheet } from '../../testing/memory-kernel'
import { dmaWrite } from '../drivers/dma/engine'
import { EFAULT } from '../include/errno'
import { do_exit } from '../kernel/exit'
import { kernel_clone } from '../kernel/fork'
import { maybeDmaPinned } from './folio'
import { pin_user_pages_fast } from './gup'
import { do_munmap, mapAnonymous } from './mmap'
import { userLoad, userStore } from './user-access'

const pin = (k: MemoryKernel, who: string) =>
  k
    .task(who)
    .begins(pin_user_pages_fast, { start: k.vpn, pages: 1, write: 1, longterm: 0, force: 0 })
const store = (k: MemoryKernel, who: string, value: number) =>
  k.task(who).begins(userStore, { vpn: k.vpn, value })
const load = (k: MemoryKernel, who: string): number => {
  const task = k.task(who)
  task.begins(userLoad, { vpn: k.vpn, value: 0 }).finishes()
  return task.row.value
}
const fork = (k: MemoryKernel, who = 'parent') =>
  k.task(who).begins(kernel_clone, { name: 'child' })
const munmap = (k: MemoryKernel) =>
  k
    .task('parent')
    .begins(do_munmap, { vma: k.kernel.vmas.find(({ vm_mm }) => vm_mm === k.mmOf('parent'))?.id })

describe('W7: gup-fast races with the pin test of fork', () => {
  it('leaves a pinned page shared without write_protect_seq (5.9)', () => {
    const k = bootMemory({ preset: 'v5.9' })
    const row = sheet(k, P, Q)
    const t2 = pin(k, 'thread 2').runTo('read_pte')
    row('1 / 0 L (pte1)')
    expect([k.entry('parent'), k.kernel.mms.at(1).has_pinned]).toEqual(['P RW', 1])
    const t1 = fork(k).runTo('get_dup')
    row('1 / 0 L (pte1)')
    t2.runTo('try_grab')
    row('1 / 0 L (pte1)')
    expect(t2.row.irqs_off).toBe(1)
    t1.runTo('wrprotect')
    row('2 / 1 L (pte2)')
    t2.step()
    expect(t2.next).toBe('recheck')
    row('1026 / 1 L (pte2 pin1)')
    expect(k.entry('parent')).toBe('P RW')
    expect(t2.finishes()).toBe(1)
    row('1026 / 1 L (pte2 pin1)')
    expect(k.kernel.pinned.in(1).at(0).pfn).toBe(P)
    t1.finishes()
    row('1026 / 1 L (pte2 pin1)')
    expect([k.entry('parent'), k.entry('child')]).toEqual(['P RO', 'P RO'])
    store(k, 'thread 2', 0x51).runTo('copy')
    row('1027 / 1 L (pte2 pin1 tmp1)')
    t2.finishes()
    row('1025 / 0 L (pte1 pin1)', '2 / 0 (pte1 lru1)')
    expect([k.entry('parent'), k.entry('child')]).toEqual(['Q RW', 'P RO'])
    k.task('mlx5_0').begins(dmaWrite, { handle: 1, page: 0, value: 0xd1 }).finishes()
    expect([load(k, 'parent'), load(k, 'child')]).toEqual([0x51, 0xd1])
  })

  it.each(['v5.11', 'v5.14'])('drops the pin and goes slow with it, in %s (alt)', (preset) => {
    const k = bootMemory({ preset })
    const row = sheet(k, P, Q)
    const t2 = pin(k, 'thread 2').runTo('read_pte')
    const t1 = fork(k).runTo('get_dup')
    expect(k.kernel.mms.at(1).write_protect_seq).toBe(1)
    t2.runTo('try_grab')
    t1.runTo('wrprotect')
    row('2 / 1 L (pte2)')
    t2.runTo('irqs_on')
    row('1026 / 1 L (pte2 pin1)')
    t2.step()
    expect(t2.next).toBe('slow')
    row('2 / 1 L (pte2)')
    expect(t2.runs().reason).toBe('waits for mmap_lock, which parent holds for writing')
    t1.finishes()
    row('2 / 1 L (pte2)')
    expect(t2.finishes()).toBe(1)
    row('1 / 0 L (pte1)', '1026 / 0 (pte1 lru1 pin1)')
    expect([k.entry('parent'), k.entry('child')]).toEqual(['Q RW', 'P RO'])
    k.task('mlx5_0').begins(dmaWrite, { handle: 1, page: 0, value: 0xd1 }).finishes()
    expect([load(k, 'parent'), load(k, 'child')]).toEqual([0xd1, 0x50])
  })
})

describe('W11: a stale gup-fast reference on a recycled page (6.12, flush without IPI)', () => {
  /** mm A is that of `parent` and `thread 2`, mm B that of `other`; both areas are at one address. */
  const recycled = () => {
    const k = bootMemory({
      policies: { tlbFlush: 'broadcast' },
      machine: {
        processes: [
          { comm: 'parent', pid: 100, threads: ['thread 2'] },
          { comm: 'other', pid: 200 },
        ],
      },
    })
    const row = sheet(k, P, Q)
    k.task('other').begins(mapAnonymous, { pages: 2, huge: 0, label: 'A' }).finishes()
    const cpu1 = pin(k, 'thread 2').runTo('try_grab')
    row('1 / 0 EL (pte1)')
    expect([cpu1.row.irqs_off, k.entry('parent')]).toEqual([1, 'P RW'])
    munmap(k).finishes()
    row('0 / -1 (–)')
    expect(k.entry('parent')).toBe('none')
    return { k, row, cpu1 }
  }

  it('has the counters and holders of every row, and frees the page of somebody else', () => {
    const { k, row, cpu1 } = recycled()
    const cpu2 = store(k, 'other', 0x60)
    cpu2.finishes()
    k.drain()
    fork(k, 'other').finishes()
    k.task('child').begins(do_exit).finishes()
    row('1 / 0 L (pte1)')
    expect(k.entry('other')).toBe('P RO')
    cpu1.runTo('add_bias')
    row('2 / 0 L (pte1 try1)')
    expect(maybeDmaPinned(k.kernel, P)).toBe(false)
    cpu1.runTo('recheck')
    row('1025 / 0 L (pte1 pin1)')
    expect(maybeDmaPinned(k.kernel, P)).toBe(true)
    store(k, 'other', 0x61).runTo('copy')
    row('1026 / 0 L (pte1 pin1 tmp1)')
    cpu2.finishes()
    row('1024 / -1 L (pin1)', '2 / 0 E (pte1 lru1)')
    expect([k.entry('other'), load(k, 'other')]).toEqual(['Q RW', 0x61])
    cpu1.runTo('put_pgmap')
    row('0 / -1 (–)', '2 / 0 E (pte1 lru1)')
    expect(k.kernel.freePages.has(P)).toBe(true)
    cpu1.runTo('slow')
    expect(k.kernel.pinHandles.at(1).got).toBe(0)
    expect(cpu1.finishes()).toBe(-EFAULT)
  })

  it('finds no reference to take where the page is still free', () => {
    const { row, cpu1 } = recycled()
    cpu1.runTo('put_pgmap')
    row('0 / -1 (–)')
  })
})

describe('W12: munmap versus gup-fast on the same mm, flush by IPI (6.12)', () => {
  it('has the counters and holders of every row', () => {
    const k = bootMemory()
    const row = sheet(k, P)
    row('1 / 0 EL (pte1)')
    expect(k.entry('parent')).toBe('P RW')
    const cpu1 = pin(k, 'thread 2').runTo('try_grab')
    row('1 / 0 EL (pte1)')
    expect(cpu1.row.irqs_off).toBe(1)
    const cpu0 = munmap(k).runTo('flush')
    row('1 / -1 EL (zap1)')
    expect(k.kernel.ptes.in(1).runs()).toEqual([])
    expect(cpu0.reason).toBe(
      'waits for the TLB flush: thread 2 has interrupts off and takes no IPI',
    )
    row('1 / -1 EL (zap1)')
    cpu1.runTo('add_bias')
    row('2 / -1 EL (zap1 try1)')
    cpu1.runTo('recheck')
    row('1025 / -1 EL (zap1 pin1)')
    expect(cpu0.runs().next).toBe('flush')
    cpu1.runTo('slow')
    row('1 / -1 EL (zap1)')
    expect([cpu1.row.irqs_off, cpu0.reason]).toEqual([0, ''])
    cpu0.finishes()
    row('0 / -1 (–)')
    expect(cpu1.finishes()).toBe(-EFAULT)
  })

  /** CPU1 has read the entry again, but not noted the page; CPU0 has cleared the entry, and waits. */
  const rereadFirst = () => {
    const k = bootMemory()
    const cpu1 = pin(k, 'thread 2').runTo('record')
    const cpu0 = munmap(k).runs()
    return { k, cpu0, cpu1 }
  }

  it('keeps the pin where the entry was read again before it was cleared (alt)', () => {
    const { k, cpu0, cpu1 } = rereadFirst()
    const row = sheet(k, P)
    expect(cpu0.next).toBe('flush')
    row('1025 / -1 EL (zap1 pin1)')
    expect(cpu1.finishes()).toBe(1)
    cpu0.finishes()
    row('1024 / -1 EL (pin1)')
  })

  it('excuses that pin, for the process unmapped the page itself (alt)', () => {
    const { k, cpu0, cpu1 } = rereadFirst()
    cpu1.finishes()
    cpu0.finishes()
    expect(k.kernel.pinned.in(1).at(0)).toMatchObject({ pfn: P, detached: 1 })
  })
})
