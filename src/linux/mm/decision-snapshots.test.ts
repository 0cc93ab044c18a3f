import { describe, expect, it } from 'vitest'
import { acts, deviceReads, loads } from '../../testing/memory-acts'
import { bootUntouched, type MemoryKernel, P, Q } from '../../testing/memory-kernel'
import { watch } from '../../testing/mutate'
import { dmaWrite } from '../drivers/dma/engine'
import { bio_endio, directRead } from '../fs/direct-io'
import { pipe_read, vmsplice_to_pipe } from '../fs/splice'
import { PG } from '../include/page-flags'
import { cowIsolation } from '../invariants/cow-isolation'
import { gupCoherency } from '../invariants/gup-coherency'
import { noLostDma } from '../invariants/no-lost-dma'
import { do_exit } from '../kernel/exit'
import { kernel_clone } from '../kernel/fork'
import { hasFlag, isExclusive, pageMapcount, refcountOf, tracksExclusive } from './folio'
import { labelsOf } from './labels'
import { mapAnonymous } from './mmap'
import { swapCountOf } from './swapfile'

/** §4.5 of the pins sheet: what the write fault finds, and what each rule decides: Reuse or Copy. */
const TABLE = `
S1 | private page after mprotect RO→RW, nobody else | 1 / 0 / 0 | 1 | 1 | 1/0/0/0/0/0 | R ✔ | R ✔ | R ✔ | R ✔ | R ✔
S2 | W4: child's pipe still holds the page | 1 / 0 / 0 | 2 | 0 | 1/0/0/0/0/1 | R ✘ | C ✔ | C ✔ | C ✔ | C ✔
S3 | W5: pinned (W), shared by fork, parent writes | 2 / 0 / 0 | 1026 | 0 | 2/0/0/1/1/0 | C ✘ | C ✘ | C ✘ | C ✘ | –
S4 | W8: pinned (W, longterm), clear_refs, owner writes | 1 / 0 / 0 | 1025 | 1 | 1/0/0/1/1/0 | R ✔ | C ✘ | C ✘ | R ✔ | R ✔
S5 | W9: O_DIRECT read (GET), write-protected, owner writes | 1 / 0 / 0 | 2 | 1 | 1/0/0/1/0/0 | R ✔ | C ✘ | C ✘ | R ✔ | R ✔
S6 | W10: O_DIRECT read (GET) + fork | 2 / 0 / 0 | 3 | 0 | 2/0/0/1/0/0 | C ✘ | C ✘ | C ✘ | C ✘ | C ✘
S7 | formerly shared, sits in **local** LRU batch | 1 / 0 / 0 | 2 | 0 | 1/1/0/0/0/0 | R ✔ | C ~ | R ✔ | R ✔ | R ✔
S8 | formerly shared, in **remote** LRU batch | 1 / 0 / 0 | 2 | 0 | 1/1/0/0/0/0 | R ✔ | C ~ | C ~ | R ✔ | C ~
S9 | swapped in, last user, still in swap cache | 1 / 0 / 1 | 2 | 0 | 1/1/0/0/0/0 | R ✔ | C ~ | R ✔ | R ✔ | R ✔
S10 | swapped in, sibling still has the swap PTE | 1 / 1 / 1 | 2 | 0 | 2/1/0/0/0/0 | C ✔ | C ✔ | C ✔ | C ✔ | C ✔
S11 | W11: stale speculative +1024 | 1 / 0 / 0 | 1025 | 0 | 1/1/0/0/0/0 | R ✔ | C ~ | C ~ | R ✔ | C ~
S12 | R/O longterm pin taken while shared, sibling gone, owner writes | 1 / 0 / 0 | 1025 | 0 | 1/0/1/0/1/0 | R ✔ | C ✘ | C ✘ | R ✔ | –
S13 | own page vmspliced, write-protected, owner writes | 1 / 0 / 0 | 2 | 1 | 1/0/0/0/0/1 | R ✔ | C ~ | C ~ | C ~ | R ✔
S14 | KSM page, single mapping | 1 / 0 / 0 | 1 | 0 | 1/1/0/0/0/0 | R* ✔ | C ✔ | C ✔ | C! ✔ | C ✔
`

const RULES = [
  { column: 0, rule: '(i)', preset: 'v5.7' },
  { column: 0, rule: '(iii)', preset: 'andrea-2021' },
  { column: 1, rule: '(ii)', preset: 'v5.9' },
  { column: 1, rule: '(ii)', preset: 'v5.14' },
  { column: 2, rule: '(ii’)', preset: 'v5.18' },
  { column: 3, rule: '(iv)', preset: 'jason-2021' },
  { column: 4, rule: '(v)', preset: 'v5.19' },
  { column: 4, rule: '(v)', preset: 'v6.12' },
  { column: 4, rule: '(v+)', preset: 'v6.15' },
] as const

const rows = TABLE.trim()
  .split('\n')
  .map((line) => line.split(' | '))
  .map(([id = '', situation = '', counts = '', ref = '', E = '', labels = '', ...verdicts]) => {
    return { id, situation, counts, ref, E, labels, verdicts }
  })

const cells = rows.flatMap(({ verdicts, ...row }) =>
  RULES.map(({ column, rule, preset }) => {
    const [answer = '', judgement = ''] = verdicts[column]?.split(' ') ?? []
    return { ...row, rule, preset, answer: answer.charAt(0), judgement }
  }),
)

/** So that every rule comes to see every situation, whatever else its kernels do. */
const REACHABLE = {
  clearRefs: 'all',
  directIo: 'get',
  gupRead: 'asIs',
  ksmReuse: 'copy',
  mprotectUpgrade: 'fault',
  swapPinned: 'swap',
  tlbFlush: 'broadcast',
}

function boot(preset: string, policies: Readonly<Record<string, string>>): MemoryKernel {
  const parent = { comm: 'parent', pid: 100, threads: ['thread 2', 'thread 3'] }
  const processes = [parent, { comm: 'other', pid: 200 }]
  const k = bootUntouched({ preset, policies, machine: { processes } })
  k.task('other').begins(mapAnonymous, { pages: 2, huge: 0, label: 'A' }).finishes()
  return k
}

/** Who is about to write, and where; and what the device does afterwards. */
interface Built {
  readonly who?: string
  readonly offset?: number
  readonly after?: () => unknown
}

const exit = (k: MemoryKernel, who: string) => k.task(who).begins(do_exit).finishes()
const vmsplice = (k: MemoryKernel, who: string) =>
  k.task(who).begins(vmsplice_to_pipe, { vpn: k.vpn, pages: 1, pipe: 1 }).finishes()
const dma = (k: MemoryKernel) => () =>
  k.task('mlx5_0').begins(dmaWrite, { handle: 1, page: 0, value: 0xd1 }).finishes()
const read = (k: MemoryKernel) =>
  k.task('parent').begins(directRead, { vpn: k.vpn, value: 0xd1 }).runs()
const complete = (k: MemoryKernel) => () =>
  k.task('nvme0').begins(bio_endio, { handle: 1, value: 0xd1 }).finishes()

/** Shared with a child, which exits. */
function formerlyShared(k: MemoryKernel): Built {
  acts.fork(k).finishes()
  exit(k, 'child')
  return {}
}

/** Shared by fork, swapped out, and read back by the parent; the child may have exited before that. */
function swappedIn(k: MemoryKernel, isLast: boolean): Built {
  acts.fork(k).finishes()
  acts.reclaim(k).finishes()
  if (isLast) exit(k, 'child')
  loads(k, 'parent')
  return {}
}

/** How each situation comes about. */
const BUILD: Readonly<Record<string, (k: MemoryKernel) => Built>> = {
  S1(k) {
    for (const write of [0, 1]) acts.protect(k, write).finishes()
    return {}
  },
  S2(k) {
    acts.fork(k).finishes()
    vmsplice(k, 'child')
    acts.munmap(k, 'child').finishes()
    return {}
  },
  S3(k) {
    acts.gup(k, { longterm: 1 }).finishes()
    acts.fork(k).finishes()
    return { after: dma(k) }
  },
  S4(k) {
    acts.gup(k, { longterm: 1 }).finishes()
    acts.clearRefs(k).finishes()
    return { after: dma(k) }
  },
  S5(k) {
    read(k)
    acts.clearRefs(k).finishes()
    return { who: 'thread 2', offset: 512, after: complete(k) }
  },
  S6(k) {
    read(k)
    k.task('thread 2').begins(kernel_clone, { name: 'child' }).finishes()
    return { who: 'thread 2', offset: 512, after: complete(k) }
  },
  S7: formerlyShared,
  S8: formerlyShared,
  S9: (k) => swappedIn(k, true),
  S10: (k) => swappedIn(k, false),
  S11(k) {
    const cpu = acts.gup(k, { who: 'thread 2' }).runTo('try_grab')
    acts.munmap(k, 'parent').finishes()
    acts.store(k, 'other', 0x60).finishes()
    k.drain()
    k.task('other').begins(kernel_clone, { name: 'child' }).finishes()
    exit(k, 'child')
    cpu.runTo('recheck')
    return { who: 'other', after: () => cpu.finishes() }
  },
  S12(k) {
    acts.fork(k).finishes()
    acts.gup(k, { write: 0, longterm: 1 }).finishes()
    exit(k, 'child')
    return {}
  },
  S13(k) {
    vmsplice(k, 'parent')
    acts.clearRefs(k).finishes()
    return {}
  },
  S14(k) {
    acts.store(k, 'other', 0x50).finishes()
    k.drain()
    for (const who of ['parent', 'other']) acts.mergeable(k, who).finishes()
    acts.scan(k, 'parent').finishes()
    return {}
  },
}

/** Builds a situation. In S7 and S8 the page stays in the LRU batch of the CPU that wrote it. */
function build(k: MemoryKernel, id: string): Built {
  acts.store(k, id === 'S8' ? 'thread 2' : 'parent', 0x50).finishes()
  if (id !== 'S7' && id !== 'S8') k.drain()
  return BUILD[id]?.(k) ?? {}
}

/** The page as the fault finds it: m / s / c, reference count, E, labels. */
function stateOf(k: MemoryKernel) {
  const { kernel } = k
  const cached = hasFlag(kernel, P, PG.swapcache) ? 1 : 0
  const { ptes, pointers, readers, writers, longterm, other } = labelsOf(kernel, P)
  return {
    counts: `${pageMapcount(kernel, P)} / ${swapCountOf(kernel, P)} / ${cached}`,
    ref: String(refcountOf(kernel, P)),
    E: isExclusive(kernel, P) ? '1' : '0',
    labels: [ptes, pointers, readers, writers, longterm, other].join('/'),
  }
}

const PROMISES = [gupCoherency, cowIsolation, noLostDma]
const LOST = ['S5', 'S6']
const broken = (id: string): string => (LOST.includes(id) ? 'noLostDma' : 'gupCoherency')

describe('decision snapshots (§4.5 of the pins sheet)', () => {
  const reachable = cells.filter(({ answer }) => answer !== '–')

  it.each(reachable)('$id, rule $rule in $preset: $answer $judgement', (cell) => {
    const { id, preset, rule, counts, ref, E, labels } = cell
    const forkCopy = id === 'S3' ? { forkCopy: 'share' } : {}
    const freezes = rule === '(i)' || rule === '(iii)' ? { ksmReuse: 'freeze' } : {}
    const k = boot(preset, { ...REACHABLE, ...forkCopy, ...freezes })
    const { who = 'parent', offset = 0, after } = build(k, id)
    const expected = { counts, ref, E: tracksExclusive(k.kernel) ? E : '0' }
    const { labels: users, ...state } = stateOf(k)
    expect([k.entry(who), state]).toEqual(['P RO', expected])
    const found = watch(k, PROMISES)
    acts.store(k, who, 0x77, offset).finishes()
    const entry = k.entry(who)
    expect([entry === 'P RW' ? 'R' : 'C', entry.slice(-2)]).toEqual([cell.answer, 'RW'])
    after?.()
    if (cell.judgement === '✘')
      expect(found.join()).toContain(id === 'S2' ? 'cowIsolation' : broken(id))
    else expect(found).toEqual([])
    expect(users).toBe(labels)
  })
})

describe('a cell of the table', () => {
  it('is there for each situation and column, and wasteful only where rule (i) is right to reuse', () => {
    expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: 14 }, (_, i) => `S${i + 1}`))
    expect(Object.keys(BUILD)).toEqual(rows.map(({ id }) => id))
    expect(cells.every(({ answer }) => ['R', 'C', '–'].includes(answer))).toBe(true)
    const wasted = rows.filter(({ verdicts }) => verdicts.some((each) => each.endsWith('~')))
    expect(wasted.every(({ verdicts }) => verdicts[0] === 'R ✔')).toBe(true)
  })
})

describe('a situation that cannot occur', () => {
  const reach = (id: string, preset: string, without: string) => {
    const { [without]: _, ...policies } = REACHABLE as Readonly<Record<string, string>>
    const k = boot(preset, policies)
    const found = watch(k)
    build(k, id).after?.()
    expect(found).toEqual([])
    return k
  }

  it.each(['v5.19', 'v6.12', 'v6.15'])('is S3 in %s: fork copied the page', (preset) => {
    const k = reach('S3', preset, 'forkCopy')
    expect([k.entry('parent'), k.entry('child')]).toEqual(['P RW', 'Q RW'])
    expect(k.page(P)).toBe('1025 / 0 UELR (pte1 pin1)')
    expect([loads(k, 'parent'), loads(k, 'child')]).toEqual([0xd1, 0x50])
  })

  it.each(['v6.5', 'v6.12', 'v6.15'])('is S6 in %s: O_DIRECT pins, and fork copied', (preset) => {
    const k = reach('S6', preset, 'directIo')
    expect([k.entry('parent'), k.entry('child')]).toEqual(['P RW', 'Q RW'])
    expect([loads(k, 'thread 2'), loads(k, 'child')]).toEqual([0xd1, 0x50])
  })

  it.each(['v5.19', 'v6.12', 'v6.15'])('is S12 in %s: the pin unshared the page', (preset) => {
    const k = reach('S12', preset, 'gupRead')
    expect([k.entry('parent'), k.page(Q)]).toEqual(['Q RO', '1026 / 0 UER (pte1 lru1 pin1)'])
    expect(k.kernel.freePages.has(P)).toBe(true)
    acts.store(k, 'parent', 0x77).finishes()
    expect([k.entry('parent'), deviceReads(k)]).toEqual(['Q RW', 0x77])
  })
})

describe('what a rule leaves open', () => {
  const piped = (preset: string): number => {
    const k = boot(preset, REACHABLE)
    build(k, 'S13')
    acts.store(k, 'parent', 0x77).finishes()
    k.task('parent').begins(pipe_read, { pipe: 1 }).finishes()
    return k.task('parent').row.value
  }

  it('is what a pipe of one’s own page shows after a write (S13): documented either way', () => {
    expect(['v5.7', 'v6.12'].map(piped)).toEqual([0x77, 0x77])
    expect(['v5.9', 'v5.18', 'jason-2021'].map(piped)).toEqual([0x50, 0x50, 0x50])
  })

  it('is a KSM page up to 5.0: rule (i) copies it (S14)', () => {
    const k = boot('v4.14', {})
    build(k, 'S14')
    acts.store(k, 'parent', 0x77).finishes()
    expect(k.entry('parent')).toBe('R RW')
  })
})
