import { describe, expect, it } from 'vitest'
import { bootMemory, type MemoryKernel, P, Q, sheet } from '../../testing/memory-kernel'
import { dmaRead, dmaWrite } from '../drivers/dma/engine'
import { bio_endio, directRead } from '../fs/direct-io'
import { clear_refs_write } from '../fs/proc/task_mmu'
import { kernel_clone } from '../kernel/fork'
import { get_user_pages_fast, pin_user_pages_fast, unpin_user_pages } from './gup'
import { mprotect_fixup } from './mprotect'
import { userLoad, userStore } from './user-access'

const OLD = 0x50
const DMA = 0xd1
const FLAGS = { pages: 1, write: 1, longterm: 0, force: 0 }

const store = (k: MemoryKernel, who: string, value: number, offset = 0) =>
  k.task(who).begins(userStore, { vpn: k.vpn, value, offset })
const load = (k: MemoryKernel, who: string, offset = 0): number => {
  const task = k.task(who)
  task.begins(userLoad, { vpn: k.vpn, value: 0, offset }).finishes()
  return task.row.value
}
const clearRefs = (k: MemoryKernel) =>
  k.task('tracer').begins(clear_refs_write, { mm: k.mmOf('parent') })
const protect = (k: MemoryKernel, write: number) => {
  const vma = k.kernel.vmas.find(({ label }) => label === 'A')?.id
  return k.task('parent').begins(mprotect_fixup, { vma, read: 1, write })
}
const dma = (k: MemoryKernel, value = DMA) =>
  k.task('mlx5_0').begins(dmaWrite, { handle: 1, page: 0, value }).finishes()
const dmaSees = (k: MemoryKernel): number => {
  const device = k.task('mlx5_0')
  device.begins(dmaRead, { handle: 1, page: 0 }).finishes()
  return device.row.value
}

describe('W8: clear_refs(4) on an RDMA-pinned page', () => {
  const pinned = (preset: string, gup: { readonly name: string } = pin_user_pages_fast) => {
    const k = bootMemory({ preset })
    k.task('parent')
      .begins(gup, { ...FLAGS, start: k.vpn })
      .finishes()
    expect(k.entry('parent')).toBe('P RW')
    expect(k.pteBits('parent')).toContain('soft_dirty')
    return k
  }

  it('takes the page away from the device for ever in v5.9', () => {
    const k = pinned('v5.9')
    const row = sheet(k, P, Q)
    row('1025 / 0 L (pte1 pin1)')
    clearRefs(k).finishes()
    row('1025 / 0 L (pte1 pin1)')
    expect(k.entry('parent')).toBe('P RO')
    expect(k.pteBits('parent')).not.toContain('soft_dirty')
    expect(k.kernel.tlb.in(k.task('parent').id).runs()).toEqual([])
    const owner = store(k, 'parent', 0x51).runTo('take_old')
    row('1025 / 0 L (pte1 pin1)')
    owner.runTo('copy')
    row('1026 / 0 L (pte1 pin1 tmp1)')
    owner.runTo('remove_rmap')
    row('1026 / 0 L (pte1 pin1 tmp1)', '2 / 0 (pte1 lru1)')
    expect(k.entry('parent')).toBe('Q RW')
    owner.runTo('put_old')
    row('1026 / -1 L (pin1 tmp1 zap1)', '2 / 0 (pte1 lru1)')
    owner.finishes()
    row('1024 / -1 L (pin1)', '2 / 0 (pte1 lru1)')
    expect([dmaSees(k), load(k, 'parent')]).toEqual([OLD, 0x51])
    dma(k)
    row('1024 / -1 L (pin1)', '2 / 0 (pte1 lru1)')
    expect([dmaSees(k), load(k, 'parent')]).toEqual([DMA, 0x51])
    k.task('parent').begins(unpin_user_pages, { handle: 1 }).finishes()
    row('0 / -1 (–)', '2 / 0 (pte1 lru1)')
  })

  it('skips the pinned page in v5.11 (alt)', () => {
    const k = pinned('v5.11')
    const row = sheet(k, P)
    clearRefs(k).finishes()
    row('1025 / 0 L (pte1 pin1)')
    expect(k.entry('parent')).toBe('P RW')
    expect(k.pteBits('parent')).toContain('soft_dirty')
    store(k, 'parent', 0x51).finishes()
    expect(dmaSees(k)).toBe(0x51)
    dma(k)
    expect(load(k, 'parent')).toBe(DMA)
    row('1025 / 0 L (pte1 pin1)')
  })

  it.each(['v5.19', 'v6.12'])('lets the next write reuse the page in %s (alt)', (preset) => {
    const k = pinned(preset, get_user_pages_fast)
    const row = sheet(k, P)
    clearRefs(k).finishes()
    row('2 / 0 EL (pte1 get1)')
    expect(k.entry('parent')).toBe('P RO')
    store(k, 'parent', 0x51).finishes()
    row('2 / 0 EL (pte1 get1)')
    expect([k.entry('parent'), dmaSees(k)]).toEqual(['P RW', 0x51])
    dma(k)
    expect(load(k, 'parent')).toBe(DMA)
  })
})

describe('W9: an O_DIRECT read that is lost without a fork', () => {
  /** Rows 0 to 2, for kernels without the flag E. */
  const reading = (boot: Parameters<typeof bootMemory>[0], letters = 'L') => {
    const k = bootMemory(boot)
    const row = sheet(k, P, Q)
    row(`1 / 0 ${letters} (pte1)`)
    expect(k.entry('parent')).toBe('P RW')
    const thread0 = k.task('parent').begins(directRead, { vpn: k.vpn, value: DMA }).runs()
    expect(thread0.reason).toBe('sleeps until the disk has written the data')
    row(`2 / 0 ${letters} (pte1 get1)`)
    return { k, row, thread0 }
  }
  const complete = (k: MemoryKernel) => k.task('nvme0').begins(bio_endio, { handle: 1, value: DMA })

  it.each(['v5.9', 'v5.11', 'v5.14', 'v5.18'])('is lost in %s', (preset) => {
    const { k, row, thread0 } = reading({ preset })
    clearRefs(k).finishes()
    row('2 / 0 L (pte1 get1)')
    expect(k.entry('parent')).toBe('P RO')
    const thread1 = store(k, 'thread 2', 0x77, 512).runTo('copy')
    row('3 / 0 L (pte1 get1 tmp1)')
    thread1.finishes()
    row('1 / -1 L (get1)', '2 / 0 (pte1 lru1)')
    expect(k.kernel.contents.at(Q)).toMatchObject({ value: OLD, rest: 0x77 })
    const device = complete(k).runTo('complete')
    expect(k.kernel.contents.at(P).value).toBe(DMA)
    device.finishes()
    row('0 / -1 (–)', '2 / 0 (pte1 lru1)')
    expect(thread0.finishes()).toBe(512)
    expect([load(k, 'parent'), load(k, 'parent', 512)]).toEqual([OLD, 0x77])
  })

  it('is lost after mprotect(PROT_READ) and back just the same (row 2)', () => {
    const { k, row } = reading({ preset: 'v5.9' })
    const vma = k.kernel.vmas.find(({ label }) => label === 'A')?.id
    for (const write of [0, 1])
      k.task('thread 2').begins(mprotect_fixup, { vma, read: 1, write }).finishes()
    row('2 / 0 L (pte1 get1)')
    expect(k.entry('parent')).toBe('P RO')
    store(k, 'thread 2', 0x77, 512).finishes()
    row('1 / -1 L (get1)', '2 / 0 (pte1 lru1)')
  })

  const accurate = [
    { preset: 'v5.1', letters: 'L' },
    { preset: 'v5.7', letters: 'L' },
    { preset: 'andrea-2021', letters: 'L' },
    { preset: 'jason-2021', letters: 'L' },
    { preset: 'v5.19', letters: 'EL' },
    { preset: 'v6.12', letters: 'EL' },
  ]
  it.each(accurate)('is not lost by the rule of $preset (alt)', ({ preset, letters }) => {
    const { k, row, thread0 } = reading({ preset, policies: { directIo: 'get' } }, letters)
    clearRefs(k).finishes()
    row(`2 / 0 ${letters} (pte1 get1)`)
    expect(k.entry('parent')).toBe('P RO')
    store(k, 'thread 2', 0x77, 512).finishes()
    row(`2 / 0 ${letters} (pte1 get1)`)
    expect(k.entry('parent')).toBe('P RW')
    complete(k).finishes()
    row(`1 / 0 ${letters} (pte1)`)
    expect(thread0.finishes()).toBe(512)
    expect([load(k, 'parent'), load(k, 'parent', 512)]).toEqual([DMA, 0x77])
  })
})

describe('W10: an O_DIRECT read races with fork', () => {
  const reading = (preset: string) => {
    const k = bootMemory({ preset })
    const row = sheet(k, P, Q)
    row('1 / 0 EL (pte1)')
    expect(k.entry('parent')).toBe('P RW')
    k.task('parent').begins(directRead, { vpn: k.vpn, value: DMA }).runs()
    return { k, row, thread1: k.task('thread 2').begins(kernel_clone, { name: 'child' }) }
  }
  const complete = (k: MemoryKernel) => {
    k.task('nvme0').begins(bio_endio, { handle: 1, value: DMA }).finishes()
    expect(k.task('parent').finishes()).toBe(512)
  }

  it('is lost to the child with FOLL_GET (6.1)', () => {
    const { k, row, thread1 } = reading('v6.1')
    row('2 / 0 EL (pte1 get1)')
    thread1.runTo('try_dup')
    row('3 / 0 EL (pte1 get1 tmp1)')
    thread1.finishes()
    row('3 / 1 L (pte2 get1)')
    expect([k.entry('parent'), k.entry('child')]).toEqual(['P RO', 'P RO'])
    store(k, 'thread 2', 0x77, 512).runTo('take_old')
    row('3 / 1 L (pte2 get1)')
    thread1.runTo('copy')
    row('4 / 1 L (pte2 get1 tmp1)')
    thread1.finishes()
    row('2 / 0 L (pte1 get1)', '2 / 0 E (pte1 lru1)')
    expect([k.entry('parent'), load(k, 'thread 2')]).toEqual(['Q RW', OLD])
    complete(k)
    row('1 / 0 L (pte1)', '2 / 0 E (pte1 lru1)')
    expect([load(k, 'parent'), load(k, 'child')]).toEqual([OLD, DMA])
  })

  it('stays with the parent with FOLL_PIN (6.5, alt)', () => {
    const { k, row, thread1 } = reading('v6.5')
    row('1025 / 0 EL (pte1 pin1)')
    thread1.runTo('try_dup')
    row('1026 / 0 EL (pte1 pin1 tmp1)')
    thread1.finishes()
    row('1025 / 0 EL (pte1 pin1)', '2 / 0 E (pte1 lru1)')
    expect([k.entry('parent'), k.entry('child')]).toEqual(['P RW', 'Q RW'])
    store(k, 'thread 2', 0x77, 512).finishes()
    row('1025 / 0 EL (pte1 pin1)', '2 / 0 E (pte1 lru1)')
    complete(k)
    expect([load(k, 'parent'), load(k, 'child')]).toEqual([DMA, OLD])
  })
})

describe('W15: mprotect(PROT_READ) and back while a device writes', () => {
  /** Rows 0 and 1. */
  const readOnly = (preset: string, letters: string) => {
    const k = bootMemory({ preset })
    const row = sheet(k, P, Q)
    k.task('parent')
      .begins(pin_user_pages_fast, { ...FLAGS, start: k.vpn })
      .finishes()
    row(`1025 / 0 ${letters} (pte1 pin1)`)
    expect(k.entry('parent')).toBe('P RW')
    const owner = protect(k, 0).runTo('write_pte')
    expect(k.entry('parent')).toBe('none')
    owner.finishes()
    row(`1025 / 0 ${letters} (pte1 pin1)`)
    expect([k.entry('parent'), load(k, 'parent')]).toEqual(['P RO', OLD])
    dma(k)
    expect(load(k, 'parent')).toBe(DMA)
    protect(k, 1).finishes()
    row(`1025 / 0 ${letters} (pte1 pin1)`)
    return { k, row }
  }

  it.each(['v5.9', 'v5.11', 'v5.14', 'v5.18'])('ends in a copy in %s', (preset) => {
    const { k, row } = readOnly(preset, 'L')
    expect(k.entry('parent')).toBe('P RO')
    const owner = store(k, 'parent', 0x51).runTo('copy')
    row('1026 / 0 L (pte1 pin1 tmp1)')
    owner.finishes()
    row('1024 / -1 L (pin1)', '2 / 0 (pte1 lru1)')
    dma(k, 0xd2)
    expect([k.entry('parent'), load(k, 'parent'), dmaSees(k)]).toEqual(['Q RW', 0x51, 0xd2])
  })

  it.each(['v6.0', 'v6.12'])('makes the exclusive page writable at once in %s', (preset) => {
    const { k, row } = readOnly(preset, 'EL')
    expect(k.entry('parent')).toBe('P RW')
    expect(store(k, 'parent', 0x51).step().next).toBeUndefined()
    row('1025 / 0 EL (pte1 pin1)')
    expect(dmaSees(k)).toBe(0x51)
  })
})
