import { describe, expect, it } from 'vitest'
import { acts, deviceReads, loads } from '../../testing/memory-acts'
import { bootMemory, bootUntouched, type MemoryKernel, P, Q } from '../../testing/memory-kernel'
import { watch } from '../../testing/mutate'
import { dmaWrite } from '../drivers/dma/engine'
import { EFAULT } from '../include/errno'
import { do_exit } from '../kernel/exit'
import { kernel_clone } from '../kernel/fork'
import { maybeDmaPinned } from '../mm/folio'
import { get_user_pages_fast, unpin_user_pages } from '../mm/gup'
import { mapAnonymous } from '../mm/mmap'
import { userStore } from '../mm/user-access'

const pinned = (k: MemoryKernel, pfn = P): boolean => maybeDmaPinned(k.kernel, pfn)
const dma = (k: MemoryKernel, value: number) =>
  k.task('mlx5_0').begins(dmaWrite, { handle: 1, page: 0, value }).finishes()
const isFree = (k: MemoryKernel, pfn = P): boolean => k.kernel.freePages.has(pfn)

/** The list at the end of §7.2 of the pins sheet: what looks wrong, and is not. */
describe('a legal surprise is flagged by no property, at no step:', () => {
  it.each(['v5.7', 'v5.18', 'v6.12'])('a device writes to a read-only page, %s ([G])', (preset) => {
    const k = bootMemory({ preset })
    const found = watch(k)
    acts.gup(k).finishes()
    acts.protect(k, 0).finishes()
    expect([k.entry('parent'), loads(k, 'parent')]).toEqual(['P RO', 0x50])
    dma(k, 0xd1)
    expect([k.entry('parent'), loads(k, 'parent')]).toEqual(['P RO', 0xd1])
    expect(found).toEqual([])
  })

  it('a page looks pinned, for 1024 processes map it', () => {
    const crowd = 1023
    const sizes = { tasks: crowd + 20, mms: crowd + 4, vmas: crowd + 6, depth: 5 }
    const k = bootMemory({ machine: { sizes, normal: { start: P, pages: 8 } } })
    k.task('parent')
      .begins(userStore, { vpn: k.vpn + 1, value: 1 })
      .finishes()
    k.drain()
    for (let i = 1; i <= crowd; i++) acts.fork(k, `child ${i}`).finishes()
    expect([k.page(P), pinned(k)]).toEqual(['1024 / 1023 UL (pte1024)', true])
    const found = watch(k)
    acts.gup(k, { start: k.vpn + 1 }).finishes()
    acts.fork(k, 'one more').finishes()
    expect([k.page(P), pinned(k)]).toEqual(['1025 / 1024 UL (pte1025)', true])
    expect(found).toEqual([])
  })

  it('a page that is pinned is mapped nowhere after munmap, and DMA into it goes on', () => {
    const k = bootMemory()
    const found = watch(k)
    acts.gup(k).finishes()
    acts.munmap(k, 'parent').finishes()
    expect([k.entry('parent'), k.page(P)]).toEqual(['none', '1024 / -1 UELR (pin1)'])
    dma(k, 0xd1)
    expect([deviceReads(k), isFree(k)]).toEqual([0xd1, false])
    k.task('parent').begins(unpin_user_pages, { handle: 1 }).finishes()
    expect([isFree(k), found]).toEqual([true, []])
  })

  it('the child of a fork shares nothing with a parent that exits, and the pins stay', () => {
    const k = bootMemory()
    const found = watch(k)
    acts.gup(k).finishes()
    acts.fork(k).finishes()
    for (const who of ['parent', 'thread 2', 'thread 3']) k.task(who).begins(do_exit).finishes()
    expect([k.page(P), k.entry('child')]).toEqual(['1024 / -1 UELR (pin1)', 'Q RW'])
    dma(k, 0xd1)
    expect([loads(k, 'child'), found]).toEqual([0x50, []])
  })

  it('parent threads write through stale TLBs until fork flushes them', () => {
    const k = bootMemory()
    acts.store(k, 'thread 2', 0x50).finishes()
    const found = watch(k)
    const parent = acts.fork(k).runTo('flush')
    expect(k.entry('parent')).toBe('P RO')
    expect(acts.store(k, 'thread 2', 0x51).step().next).toBeUndefined()
    expect(k.kernel.contents.at(P).value).toBe(0x51)
    parent.finishes()
    expect([loads(k, 'child'), loads(k, 'parent')]).toEqual([0x51, 0x51])
    acts.store(k, 'thread 2', 0x52).finishes()
    expect([loads(k, 'child'), loads(k, 'parent')]).toEqual([0x51, 0x52])
    expect(found).toEqual([])
  })

  it('a page that nobody shares has two references, for it waits in an LRU batch', () => {
    const k = bootUntouched()
    const found = watch(k)
    acts.store(k, 'parent', 0x51).finishes()
    expect(k.page(P)).toBe('2 / 0 UE (pte1 lru1)')
    k.drain()
    expect([k.page(P), found]).toEqual(['1 / 0 UEL (pte1)', []])
  })
})

describe('a legal surprise of gup-fast is flagged by no property, at no step:', () => {
  /** W11: `thread 2` is about to take a page that has become one of `other`. */
  const recycled = () => {
    const processes = [
      { comm: 'parent', pid: 100, threads: ['thread 2'] },
      { comm: 'other', pid: 200 },
    ]
    const k = bootMemory({ policies: { tlbFlush: 'broadcast' }, machine: { processes } })
    k.task('other').begins(mapAnonymous, { pages: 2, huge: 0, label: 'A' }).finishes()
    const found = watch(k)
    const cpu = acts.gup(k, { who: 'thread 2' }).runTo('try_grab')
    acts.munmap(k, 'parent').finishes()
    acts.store(k, 'other', 0x60).finishes()
    k.drain()
    return { k, cpu, found }
  }

  it('it makes a page look pinned that nobody pins', () => {
    const { k, cpu, found } = recycled()
    expect(pinned(k)).toBe(false)
    cpu.runTo('recheck')
    expect([pinned(k), k.page(P)]).toEqual([true, '1025 / 0 UEL (pte1 pin1)'])
    cpu.runTo('put_pgmap')
    expect([pinned(k), k.page(P)]).toEqual([false, '1 / 0 UEL (pte1)'])
    expect(cpu.finishes()).toBe(-EFAULT)
    expect(found).toEqual([])
  })

  it('it frees the page of another process, which has copied it for that reference alone', () => {
    const { k, cpu, found } = recycled()
    k.task('other').begins(kernel_clone, { name: 'child' }).finishes()
    k.task('child').begins(do_exit).finishes()
    cpu.runTo('recheck')
    acts.store(k, 'other', 0x61).finishes()
    expect([k.entry('other'), k.page(P)]).toEqual(['Q RW', '1024 / -1 UL (pin1)'])
    cpu.runTo('put_pgmap')
    expect(isFree(k)).toBe(true)
    cpu.finishes()
    expect([loads(k, 'other'), found]).toEqual([0x61, []])
  })
})

describe('a copy although nobody else uses the page is flagged by no property, at no step:', () => {
  it.each(['v5.9', 'v5.14'])('for it waits in an LRU batch, %s (rule ii)', (preset) => {
    const k = bootUntouched({ preset })
    acts.store(k, 'parent', 0x51).finishes()
    acts.fork(k).finishes()
    k.task('child').begins(do_exit).finishes()
    const found = watch(k)
    const owner = acts.store(k, 'parent', 0x52).runTo('remove_rmap')
    expect([k.entry('parent'), k.page(Q).startsWith('2 / 0')]).toEqual(['Q RW', true])
    owner.finishes()
    expect(found).toEqual([])
  })

  it('for a driver reads what was shared before, 6.12 (rule v without E)', () => {
    const k = bootMemory()
    const found = watch(k)
    acts.fork(k).finishes()
    acts.gup(k, { who: 'child', by: get_user_pages_fast, write: 0 }).finishes()
    k.task('child').begins(do_exit).finishes()
    acts.store(k, 'parent', 0x52).finishes()
    expect([k.entry('parent'), k.page(P)]).toEqual(['Q RW', '1 / -1 ULR (get1)'])
    expect([deviceReads(k), found]).toEqual([0x50, []])
  })
})
