import { describe, expect, it } from 'vitest'
import {
  bootMemory,
  bootUntouched,
  type MemoryKernel,
  MOVABLE,
  P,
} from '../../../testing/memory-kernel'
import { clear_refs_write } from '../../fs/proc/task_mmu'
import { kernel_clone } from '../../kernel/fork'
import { pin_user_pages_fast } from '../../mm/gup'
import { mprotect_fixup } from '../../mm/mprotect'
import { userLoad, userStore } from '../../mm/user-access'
import { shrink_folio_list } from '../../mm/vmscan'
import { isPresent, mkold, mkwrite, PTE, pteValue, wrprotect } from './pgtable'

const WRITTEN = PTE.present | PTE.rw | PTE.user | PTE.accessed | PTE.dirty | PTE.soft_dirty | PTE.nx
const leaf = (flags: number, pfn = P) => ({ pfn, flags, kind: 'leaf' }) as const
const hex = (value: bigint): string => `0x${value.toString(16).padStart(16, '0')}`
const leafValue = (flags: number): string => hex(pteValue(leaf(flags)))

/** The rows of §2.3 of the pins sheet: what makes the entry, its value from 6.6 on, and before. */
const samples: readonly {
  readonly state: string
  readonly make: (saved: boolean) => number
  readonly now: string
  readonly before: string
}[] = [
  {
    state: 'freshly written',
    make: () => WRITTEN,
    now: '0x8000000012345867',
    before: '0x8000000012345867',
  },
  {
    state: 'of the parent after fork',
    make: (saved) => wrprotect(WRITTEN, saved),
    now: '0x8400000012345825',
    before: '0x8000000012345865',
  },
  {
    state: 'of the child after fork',
    make: (saved) => mkold(wrprotect(WRITTEN, saved)),
    now: '0x8400000012345805',
    before: '0x8000000012345845',
  },
  {
    state: 'after clear_refs(4)',
    make: (saved) => wrprotect(WRITTEN, saved) & ~PTE.soft_dirty,
    now: '0x8400000012345025',
    before: '0x8000000012345065',
  },
  {
    state: 'after mprotect(PROT_READ)',
    make: (saved) => wrprotect(WRITTEN, saved),
    now: '0x8400000012345825',
    before: '0x8000000012345865',
  },
  {
    state: 'after mprotect(PROT_NONE)',
    make: (saved) =>
      (wrprotect(WRITTEN, saved) & ~(PTE.present | PTE.user | PTE.nx)) | PTE.protnone,
    now: '0x040fffffedcba920',
    before: '0x000fffffedcba960',
  },
]

describe('the value of a present entry (§2.3 of the pins sheet)', () => {
  it.each(samples)('$state is $now from 6.6 on, and $before until then', (sample) => {
    expect(leafValue(sample.make(true))).toBe(sample.now)
    expect(leafValue(sample.make(false))).toBe(sample.before)
    expect(isPresent(leaf(sample.make(true)))).toBe(true)
  })

  it.each([0, 1, P])('is 0x8000000000000225 plus the page for the zero page at pfn %i', (z) => {
    const flags = PTE.present | PTE.user | PTE.accessed | PTE.special | PTE.nx
    expect(pteValue(leaf(flags, z))).toBe(0x8000000000000225n + (BigInt(z) << 12n))
  })

  it('has D or SavedDirty moved by write protection from 6.6 on, and back again', () => {
    for (const saved of [true, false]) {
      expect(mkwrite(wrprotect(WRITTEN, saved))).toBe(WRITTEN)
      const clean = WRITTEN & ~PTE.dirty
      expect(wrprotect(clean, saved)).toBe(clean & ~PTE.rw)
      expect(mkwrite(wrprotect(clean, saved))).toBe(clean)
    }
  })

  it('loses nothing but A by growing old', () => {
    expect(mkold(WRITTEN)).toBe(WRITTEN & ~PTE.accessed)
    expect(mkold(mkold(WRITTEN))).toBe(mkold(WRITTEN))
  })
})

describe('the value of an entry that is not present (§2.4 of the pins sheet)', () => {
  it('is 0x07ffffffffff7e00 for slot 0x40 of swap device 0, with the exclusive bit 8 more', () => {
    const swap = { pfn: 0x40, kind: 'swap' } as const
    expect(hex(pteValue({ ...swap, flags: 0 }))).toBe('0x07ffffffffff7e00')
    expect(hex(pteValue({ ...swap, flags: PTE.swp_exclusive }))).toBe('0x07ffffffffff7e08')
    expect(hex(pteValue({ ...swap, flags: PTE.soft_dirty }))).toBe('0x07ffffffffff7e02')
    expect(isPresent({ kind: 'swap', flags: PTE.present })).toBe(false)
  })

  it('is 0xd7ffe7fffdb97402 for a page that was writable, young and dirty before it migrates', () => {
    const flags = WRITTEN
    expect(hex(pteValue({ pfn: P, flags, kind: 'migration_write' }))).toBe('0xd7ffe7fffdb97402')
    const clean = { pfn: P, flags: 0, kind: 'migration_write' } as const
    expect(hex(pteValue(clean))).toBe('0xd7fffffffdb97400')
  })

  const types = [
    { kind: 'swap', type: 0n },
    { kind: 'hwpoison', type: 23n },
    { kind: 'migration_read', type: 24n },
    { kind: 'migration_read_exclusive', type: 25n },
    { kind: 'migration_write', type: 26n },
  ] as const
  it.each(types)('has type $type in bits 63 to 59 for $kind, and bits 8, 7 and 0 clear', (row) => {
    const value = pteValue({ pfn: P, flags: WRITTEN, kind: row.kind })
    expect(value >> 59n).toBe(row.type)
    expect(value & 0b1_1000_0001n).toBe(0n)
  })
})

describe('the entries that the kernel itself writes', () => {
  const boot = (saved: boolean): MemoryKernel => bootMemory({ preset: saved ? 'v6.12' : 'v6.5' })
  const entry = (k: MemoryKernel, mm = 1): string => hex(pteValue(k.kernel.ptes.in(mm).at(k.vpn)))
  const protect = (k: MemoryKernel, read: number) => {
    const vma = k.kernel.vmas.find(({ label }) => label === 'A')?.id
    k.task('parent').begins(mprotect_fixup, { vma, read, write: 0 }).finishes()
  }
  const acts: Readonly<Record<string, (k: MemoryKernel) => unknown>> = {
    'freshly written': () => undefined,
    'of the parent after fork': (k) =>
      k.task('parent').begins(kernel_clone, { name: 'child' }).finishes(),
    'of the child after fork': (k) =>
      k.task('parent').begins(kernel_clone, { name: 'child' }).finishes(),
    'after clear_refs(4)': (k) => k.task('tracer').begins(clear_refs_write, { mm: 1 }).finishes(),
    'after mprotect(PROT_READ)': (k) => protect(k, 1),
    'after mprotect(PROT_NONE)': (k) => protect(k, 0),
  }

  it.each(samples)('are those of the sheet: $state', ({ state, now, before }) => {
    const mm = state === 'of the child after fork' ? 2 : 1
    for (const saved of [true, false]) {
      const k = boot(saved)
      acts[state]?.(k)
      expect(entry(k, mm)).toBe(saved ? now : before)
    }
  })

  it('are readable as before once PROT_NONE is taken back', () => {
    const k = boot(true)
    protect(k, 0)
    protect(k, 1)
    expect(entry(k)).toBe('0x8400000012345825')
  })

  it('are that of the zero page after a read of untouched memory', () => {
    const k = bootUntouched()
    k.task('parent').begins(userLoad, { vpn: k.vpn, value: 0 }).finishes()
    const z = BigInt(k.kernel.globals.zero_pfn)
    expect(entry(k)).toBe(hex(0x8000000000000225n + (z << 12n)))
  })

  it('are freshly written again after a write to a page that clear_refs protected', () => {
    const k = boot(true)
    acts['after clear_refs(4)']?.(k)
    k.task('parent').begins(userStore, { vpn: k.vpn, value: 1 }).finishes()
    expect(entry(k)).toBe('0x8000000012345867')
  })

  it('are a swap entry with soft-dirty and exclusive after a swap-out', () => {
    const k = boot(true)
    k.task('kswapd0').begins(shrink_folio_list, { pfn: P }).finishes()
    const offset = k.kernel.ptes.in(1).at(k.vpn).pfn
    const plain = pteValue({ pfn: offset, flags: 0, kind: 'swap' })
    expect(entry(k)).toBe(hex(plain | 0b1010n))
  })

  it('are a write-migration entry while a long-term pin moves the page', () => {
    const k = bootMemory({ machine: MOVABLE })
    const args = { start: k.vpn, pages: 1, write: 1, longterm: 1, force: 0 }
    k.task('parent').begins(pin_user_pages_fast, args).runTo('move')
    expect(entry(k)).toBe('0xd7ffe7fffdb97402')
  })
})
