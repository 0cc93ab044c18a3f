import { expect } from 'vitest'
import { flagsSet } from '../arena'
import { PTE } from '../linux/arch/x86/pgtable'
import { PG } from '../linux/include/page-flags'
import type { Kernel } from '../linux/kernel'
import { folioMapcount, hasFlag, refcountOf } from '../linux/mm/folio'
import { batchesOf, handlesOf, pipeBuffersOf, slotCaching } from '../linux/mm/labels'
import { mapAnonymous } from '../linux/mm/mmap'
import { lru_add_drain_all } from '../linux/mm/swap'
import { userStore } from '../linux/mm/user-access'
import { bootMemoryMachine, type MemoryMachine } from '../scenarios/memory-machine'
import { run } from '../scenarios/pmem-machine'
import { setupOf } from './preset-setup'
import { TestKernel } from './test-kernel'

/** The first page that the machine hands out. */
export const P = 0x12345
/** The second, and the third. */
export const Q = P + 1
export const R = P + 2

const machine: MemoryMachine = {
  processes: [{ comm: 'parent', pid: 100, threads: ['thread 2', 'thread 3'] }],
  admins: ['kswapd0', 'ksmd', 'tracer'],
  devices: ['mlx5_0', 'nvme0'],
  pipes: ['p', 'q'],
  sizes: { tasks: 14, mms: 5, vmas: 12 },
}

/** The memory of a machine that first hands out what must stay movable. */
export const MOVABLE = {
  movable: { start: P, pages: 8 },
  normal: { start: 0x40000, pages: 16 },
}

/** A machine of the pins sheet’s examples, in the words of its tables. */
export class MemoryKernel extends TestKernel {
  /** Virtual page of area `A`, which every process has at the same address. */
  get vpn(): number {
    return this.kernel.vmas.find(({ label }) => label === 'A')?.vm_start ?? 0
  }

  mmOf(name: string): number {
    return this.kernel.tasks.find((task) => task.name === name)?.mm ?? 0
  }

  /** `1025 / 0 EL (pte1 pin1)`: counters, flags and holders of a page, as the sheet writes them. */
  page(pfn: number): string {
    const { kernel: k } = this
    const { mapcount } = k.pages.at(pfn)
    const holders = this.holders(pfn)
    return [`${refcountOf(k, pfn)} / ${mapcount}`, this.letters(pfn), `(${holders || '–'})`]
      .filter((part) => part !== '')
      .join(' ')
  }

  /** What the CPU reads at A: the page’s name and what the entry allows, or `none`. */
  entry(name: string, page = 0): string {
    const ptes = this.kernel.ptes.in(this.mmOf(name))
    const vpn = this.vpn + page
    if (!ptes.has(vpn)) return 'none'
    const { kind, pfn, flags } = ptes.at(vpn)
    if (kind !== 'leaf') return kind
    const names: Readonly<Record<number, string>> = { [P]: 'P', [Q]: 'Q', [R]: 'R' }
    return `${names[pfn] ?? `0x${pfn.toString(16)}`} ${(flags & PTE.rw) !== 0 ? 'RW' : 'RO'}`
  }

  pteBits(name: string): string[] {
    return flagsSet(PTE, this.kernel.ptes.in(this.mmOf(name)).at(this.vpn).flags)
  }

  /** Drains every LRU batch: most examples start so. */
  drain(): this {
    lru_add_drain_all(this.kernel)
    return this
  }

  private letters(pfn: number): string {
    const { kernel: k } = this
    const shown: readonly (readonly [string, number])[] = [
      ['U', PG.uptodate],
      ['E', PG.anon_exclusive],
      ['C', PG.swapcache],
      ['L', PG.lru],
      ['R', PG.referenced],
      ['V', PG.reserved],
    ]
    return shown.map(([letter, flag]) => (hasFlag(k, pfn, flag) ? letter : '')).join('')
  }

  private holders(pfn: number): string {
    const { kernel: k } = this
    const momentary = k.holders.has(pfn) ? k.holders.at(pfn) : undefined
    const handles = handlesOf(k, pfn)
    const pipes = pipeBuffersOf(k, pfn)
    const count = (kind: 'PIN' | 'GET') =>
      handles.filter((handle) => handle.kind === kind).length +
      pipes.filter((pipe) => pipe.kind === kind).length
    const counts: readonly (readonly [string, number])[] = [
      ['alloc', momentary?.alloc ?? 0],
      ['pte', folioMapcount(k, pfn)],
      ['lru', batchesOf(k, pfn)],
      ['get', count('GET') + (momentary?.get ?? 0)],
      ['sc', slotCaching(k, pfn) === undefined ? 0 : 1],
      ['pin', count('PIN') + (momentary?.pin ?? 0)],
      ['try', momentary?.try ?? 0],
      ['iso', momentary?.iso ?? 0],
      ['ksmd', momentary?.ksmd ?? 0],
      ['zap', momentary?.zap ?? 0],
      ['tmp', momentary?.tmp ?? 0],
    ]
    return counts
      .filter(([, n]) => n !== 0)
      .map(([name, n]) => `${name}${n}`)
      .join(' ')
  }
}

/** What a machine boots with: a kernel version, and what differs from it. */
export interface Boot {
  readonly preset?: string
  readonly policies?: Readonly<Record<string, string>>
  readonly machine?: Partial<MemoryMachine>
}

/** Boots a kernel version with `parent`, whose one page at A was written with 0x50 and is drained. */
export function bootMemory({
  preset = 'v6.12',
  policies = {},
  machine: more,
}: Boot = {}): MemoryKernel {
  const k = bootUntouched({ preset, policies, ...(more === undefined ? {} : { machine: more }) })
  run(k.kernel, 'parent', userStore, { vpn: k.vpn, value: 0x50 })
  return k.drain()
}

/** The same, with nothing mapped at A yet. */
export function bootUntouched({
  preset = 'v6.12',
  policies = {},
  machine: more,
}: Boot = {}): MemoryKernel {
  const kernel: Kernel = bootMemoryMachine(setupOf(preset, policies), { ...machine, ...more })
  run(kernel, 'parent', mapAnonymous, { pages: 2, huge: 0, label: 'A' })
  return new MemoryKernel(kernel)
}

/** One order for flags and holders; U and R only where the row of the sheet has them. */
export function plain(state: string, row: string): string {
  const shown = state.replace(/[UR]/g, (flag) => (row.includes(flag) ? flag : ''))
  const [ref, , mapcount, ...rest] = shown.split(/[\s()]+/).filter((word) => word !== '')
  const words = rest.map((word) => (/^[A-Z]+$/.test(word) ? [...word].sort().join('') : word))
  return [`${ref} / ${mapcount}`, ...words.sort()].join(' ')
}

/** Compares pages with the columns of a row. */
export const sheet =
  (k: MemoryKernel, ...pfns: number[]) =>
  (...row: string[]): void =>
    row.forEach((column, i) => {
      expect(plain(k.page(pfns[i] ?? 0), column)).toBe(plain(column, column))
    })
