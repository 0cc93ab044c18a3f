import { describe, expect, it } from 'vitest'
import { flagNames, flagPosition } from '../../arena/fields'
import { bootMemory, bootUntouched, type MemoryKernel, P, Q } from '../../testing/memory-kernel'
import { link_pipe, vmsplice_to_pipe } from '../fs/splice'
import { EAGAIN, ENOMEM } from '../include/errno'
import { PG, PG_6_1 } from '../include/page-flags'
import { conservation } from '../invariants/conservation'
import { kernel_clone } from '../kernel/fork'
import { maybeDmaPinned } from './folio'
import { get_user_pages_fast, pin_user_pages_fast, unpin_user_pages } from './gup'
import { isGettable } from './gup-count'
import { do_munmap } from './mmap'
import { userStore } from './user-access'

const pinArgs = (k: MemoryKernel, page = 0) => ({
  start: k.vpn + page,
  pages: 1,
  write: 1,
  longterm: 0,
  force: 0,
})
const pin = (k: MemoryKernel, page = 0): number =>
  k.task('parent').begins(pin_user_pages_fast, pinArgs(k, page)).finishes()
const fork = (k: MemoryKernel, name = 'child') => k.task('parent').begins(kernel_clone, { name })
const refs = (k: MemoryKernel, pfn = P) => k.kernel.pages.at(pfn).refcount

/** _mapcount and _refcount as one little-endian word of 64 bits. */
function word(k: MemoryKernel, pfn = P): string {
  const { refcount, mapcount } = k.kernel.pages.at(pfn)
  const value = (BigInt(refcount >>> 0) << 32n) | BigInt(mapcount >>> 0)
  return `0x${value.toString(16).padStart(16, '0')}`
}

describe('the 64 bits of _mapcount and _refcount (§1.1 of the pins sheet)', () => {
  it('count a page from free to drained', () => {
    const k = bootUntouched()
    expect(word(k)).toBe('0x00000000ffffffff')
    const owner = k.task('parent').begins(userStore, { vpn: k.vpn, value: 1 }).runTo('lock')
    expect(word(k)).toBe('0x00000001ffffffff')
    owner.finishes()
    expect(word(k)).toBe('0x0000000200000000')
    k.drain()
    expect(word(k)).toBe('0x0000000100000000')
  })

  it('count a pin, and the pin that is left after munmap', () => {
    const k = bootMemory()
    pin(k)
    expect(word(k)).toBe('0x0000040100000000')
    const vma = k.kernel.vmas.find(({ label }) => label === 'A')?.id
    k.task('parent').begins(do_munmap, { vma }).finishes()
    expect(word(k)).toBe('0x00000400ffffffff')
    k.task('parent').begins(unpin_user_pages, { handle: 1 }).finishes()
    expect(word(k)).toBe('0x00000000ffffffff')
  })

  it('count two processes', () => {
    const k = bootMemory()
    fork(k).finishes()
    expect(word(k)).toBe('0x0000000200000001')
  })

  it('count a pinned page that two processes share, which fork allowed up to 5.8', () => {
    const k = bootMemory({ preset: 'v5.7' })
    pin(k)
    fork(k).finishes()
    expect(word(k)).toBe('0x0000040200000001')
  })

  it('never come to that from 5.19 on: fork copies', () => {
    const k = bootMemory()
    pin(k)
    fork(k).finishes()
    expect([word(k), word(k, Q)]).toEqual(['0x0000040100000000', '0x0000000200000000'])
  })
})

describe('folio_maybe_dma_pinned without a pin (§1.2 of the pins sheet)', () => {
  const CHILDREN = 1023

  /** P is shared by 1023 children; a pin of the page beside it makes fork ask. */
  const crowd = (preset: string) => {
    const room = CHILDREN + 4
    const sizes = { tasks: room + 16, mms: room, vmas: room + 4, depth: 5 }
    const k = bootMemory({ preset, machine: { sizes, normal: { start: P, pages: 2200 } } })
    k.task('parent')
      .begins(userStore, { vpn: k.vpn + 1, value: 1 })
      .finishes()
    k.drain()
    for (let i = 0; i < CHILDREN; i++) fork(k, `child ${i}`).finishes()
    pin(k, 1)
    return k
  }

  it.each(['v5.9', 'v5.14', 'v5.18'])('makes the 1024th fork copy needlessly in %s', (preset) => {
    const k = crowd(preset)
    expect([refs(k), k.kernel.pages.at(P).mapcount]).toEqual([1024, 1023])
    expect([maybeDmaPinned(k.kernel, P), k.kernel.mms.at(1).has_pinned]).toEqual([true, 1])
    const parent = fork(k, 'last child').runTo('copy_page')
    parent.finishes()
    expect([refs(k), k.kernel.pages.at(P).mapcount]).toEqual([1024, 1023])
    const child = k.kernel.ptes.in(k.mmOf('last child')).at(k.vpn)
    expect(child.pfn).not.toBe(P)
  })

  it.each(['v5.19', 'v6.12'])(
    'is not even asked about in %s: the page is not exclusive',
    (preset) => {
      const k = crowd(preset)
      expect([refs(k), k.kernel.pages.at(P).mapcount]).toEqual([1024, 1023])
      expect(maybeDmaPinned(k.kernel, P)).toBe(true)
      fork(k, 'last child').finishes()
      expect([refs(k), k.kernel.pages.at(P).mapcount]).toEqual([1025, 1024])
      expect(k.kernel.ptes.in(k.mmOf('last child')).at(k.vpn).pfn).toBe(P)
    },
  )

  it('says no below 1024, and yes from there on and where the count has overflowed', () => {
    const k = bootMemory()
    const says = (refcount: number): boolean => {
      k.kernel.pages.at(P).refcount = refcount
      return maybeDmaPinned(k.kernel, P)
    }
    expect([1, 1023, 1024, 1025, 2 ** 31 - 1].map(says)).toEqual([false, false, true, true, true])
    expect([-1, -2147483647, -2147483648].map(says)).toEqual([true, true, true])
  })

  it('never says yes up to 5.6, where a pin counted as one', () => {
    const k = bootMemory({ preset: 'v5.1' })
    k.kernel.pages.at(P).refcount = 5000
    expect(maybeDmaPinned(k.kernel, P)).toBe(false)
  })

  it('says yes of a page that pipes alone hold 1023 times', () => {
    const k = bootMemory()
    k.task('parent').begins(vmsplice_to_pipe, { vpn: k.vpn, pages: 1, pipe: 1 }).finishes()
    k.task('parent').begins(link_pipe, { from: 1, to: 2 }).finishes()
    expect(refs(k)).toBe(3)
    k.kernel.pages.at(P).refcount += 1021
    expect([refs(k), maybeDmaPinned(k.kernel, P)]).toEqual([1024, true])
  })
})

describe('overflow of _refcount (§1.3 of the pins sheet)', () => {
  const PINS = 2_097_151
  const FULL = 2_147_482_625
  const WRAPPED = -2_147_483_647

  const full = (preset = 'v6.12') => {
    const k = bootMemory({ preset })
    k.kernel.pages.at(P).refcount = 1 + PINS * 1024
    return k
  }

  it('comes with the pin after 2 097 151 pins: it succeeds, and the next one does not', () => {
    const k = full()
    expect(refs(k)).toBe(FULL)
    const cpu = k.task('parent').begins(pin_user_pages_fast, pinArgs(k)).runTo('add_bias')
    expect(refs(k)).toBe(2_147_482_626)
    cpu.step()
    expect(refs(k)).toBe(WRAPPED)
    expect(cpu.finishes()).toBe(1)
    expect(isGettable(k.kernel, P)).toBe(false)
    expect(pin(k)).toBe(-ENOMEM)
    expect(k.task('parent').begins(get_user_pages_fast, pinArgs(k)).finishes()).toBe(-ENOMEM)
    expect([refs(k), k.kernel.pinHandles.rows().length]).toEqual([WRAPPED, 1])
  })

  it('is undone by unpinning, to the exact old value, and nothing is freed', () => {
    const k = full()
    pin(k)
    expect(k.kernel.freePages.has(P)).toBe(false)
    k.task('parent').begins(unpin_user_pages, { handle: 1 }).finishes()
    expect([refs(k), k.kernel.freePages.has(P), k.entry('parent')]).toEqual([FULL, false, 'P RW'])
    expect(pin(k)).toBe(1)
  })

  it('wraps at once where the pin is one step (5.7 to 5.13)', () => {
    const k = full('v5.13')
    k.task('parent').begins(pin_user_pages_fast, pinArgs(k)).runTo('recheck')
    expect(refs(k)).toBe(WRAPPED)
  })

  it('makes tee fail as well', () => {
    const k = bootMemory()
    k.task('parent').begins(vmsplice_to_pipe, { vpn: k.vpn, pages: 1, pipe: 1 }).finishes()
    k.kernel.pages.at(P).refcount = WRAPPED
    expect(k.task('parent').begins(link_pipe, { from: 1, to: 2 }).finishes()).toBe(-EAGAIN)
  })

  it('is something that the conservation equation tells', () => {
    expect(full().broken(conservation)).toContain('its holders add up to 1')
  })
})

describe('bit numbers of the page flags (§1.4 of the pins sheet)', () => {
  const table: readonly (readonly [flag: string, now: number, before: number])[] = [
    ['locked', 0, 0],
    ['writeback', 1, 15],
    ['referenced', 2, 1],
    ['uptodate', 3, 2],
    ['dirty', 4, 3],
    ['lru', 5, 4],
    ['head', 6, 16],
    ['active', 8, 5],
    ['swapcache', 10, 10],
    ['anon_exclusive', 11, 17],
    ['reserved', 13, 12],
    ['swapbacked', 17, 19],
    // 23 with PAT on x86, where PG_uncached has 22.
    ['hwpoison', 20, 23],
  ]

  it.each(table)('PG_%s is %i in 6.12, and %i in 6.1', (flag, now, before) => {
    expect(flagPosition(PG, flag)).toBe(now)
    expect(flagPosition(PG_6_1, flag)).toBe(before)
  })

  it('are those of every flag that the simulation has', () => {
    const names = table.map(([flag]) => flag).sort()
    expect([...flagNames(PG)].sort()).toEqual(names)
    expect([...flagNames(PG_6_1)].sort()).toEqual(names)
    expect(flagPosition(PG, 'locked')).toBe(Math.log2(PG.locked))
    expect(flagPosition(PG, 'hwpoison')).toBe(Math.log2(PG.hwpoison))
  })
})
