import { describe, expect, it } from 'vitest'
import { bootUntouched, type MemoryKernel, P } from '../../testing/memory-kernel'
import { acts, loads, watch } from '../../testing/mutate'
import { dmaWrite } from '../drivers/dma/engine'
import { bio_endio, directRead } from '../fs/direct-io'
import { vmsplice_to_pipe } from '../fs/splice'
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

/** Columns of the verdicts, and the kernels that have the rule of each. */
const RULES = [
  { column: 0, rule: '(i)', preset: 'v5.7' },
  { column: 0, rule: '(iii)', preset: 'andrea-2021' },
  { column: 1, rule: '(ii)', preset: 'v5.9' },
  { column: 1, rule: '(ii)', preset: 'v5.14' },
  { column: 2, rule: '(ii’)', preset: 'v5.18' },
  { column: 3, rule: '(iv)', preset: 'jason-2021' },
  { column: 4, rule: '(v)', preset: 'v5.19' },
  { column: 4, rule: '(v)', preset: 'v6.12' },
] as const

const rows = TABLE.trim()
  .split('\n')
  .map((line) => line.split(' | '))
  .map(([id = '', situation = '', counts = '', ref = '', E = '', labels = '', ...verdicts]) => {
    return { id, situation, counts, ref, E, labels, verdicts }
  })

const cells = rows.flatMap(({ verdicts, ...row }) =>
  RULES.map(({ column, rule, preset }) => {
    const [answer = '', judgement = ''] = (verdicts[column] ?? '').split(' ')
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

/** Written by one CPU; then shared with a child, which exits. */
function formerlyShared(k: MemoryKernel, cpu: string): Built {
  acts.store(k, cpu, 0x50).finishes()
  acts.fork(k).finishes()
  exit(k, 'child')
  return {}
}

const written = (k: MemoryKernel): void => {
  acts.store(k, 'parent', 0x50).finishes()
  k.drain()
}

/** How each situation comes about. */
const BUILD: Readonly<Record<string, (k: MemoryKernel) => Built>> = {
  S1(k) {
    written(k)
    for (const write of [0, 1]) acts.protect(k, write).finishes()
    return {}
  },
  S2(k) {
    written(k)
    acts.fork(k).finishes()
    vmsplice(k, 'child')
    acts.munmap(k, 'child').finishes()
    return {}
  },
  S3(k) {
    written(k)
    acts.gup(k, { longterm: 1 }).finishes()
    acts.fork(k).finishes()
    return { after: dma(k) }
  },
  S4(k) {
    written(k)
    acts.gup(k, { longterm: 1 }).finishes()
    acts.clearRefs(k).finishes()
    return { after: dma(k) }
  },
  S5(k) {
    written(k)
    read(k)
    acts.clearRefs(k).finishes()
    return { who: 'thread 2', offset: 512, after: complete(k) }
  },
  S6(k) {
    written(k)
    read(k)
    k.task('thread 2').begins(kernel_clone, { name: 'child' }).finishes()
    return { who: 'thread 2', offset: 512, after: complete(k) }
  },
  S7: (k) => formerlyShared(k, 'parent'),
  S8: (k) => formerlyShared(k, 'thread 2'),
  S9(k) {
    written(k)
    acts.fork(k).finishes()
    acts.reclaim(k).finishes()
    exit(k, 'child')
    loads(k, 'parent')
    return {}
  },
  S10(k) {
    written(k)
    acts.fork(k).finishes()
    acts.reclaim(k).finishes()
    loads(k, 'parent')
    return {}
  },
  S11(k) {
    written(k)
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
    written(k)
    acts.fork(k).finishes()
    acts.gup(k, { write: 0, longterm: 1 }).finishes()
    exit(k, 'child')
    return {}
  },
  S13(k) {
    written(k)
    vmsplice(k, 'parent')
    acts.clearRefs(k).finishes()
    return {}
  },
  S14(k) {
    written(k)
    acts.store(k, 'other', 0x50).finishes()
    k.drain()
    for (const who of ['parent', 'other']) acts.mergeable(k, who).finishes()
    acts.scan(k, 'parent').finishes()
    return {}
  },
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

describe('decision snapshots (§4.5 of the pins sheet)', () => {
  const reachable = cells.filter(({ answer }) => answer !== '–')

  it.each(reachable)('$id, rule $rule in $preset: $answer $judgement', (cell) => {
    const { id, preset, rule, counts, ref, E, labels } = cell
    const forkCopy = id === 'S3' ? { forkCopy: 'share' } : {}
    const freezes = rule === '(i)' || rule === '(iii)' ? { ksmReuse: 'freeze' } : {}
    const k = boot(preset, { ...REACHABLE, ...forkCopy, ...freezes })
    const { who = 'parent', offset = 0, after } = BUILD[id]?.(k) ?? {}
    const expected = { counts, ref, E: tracksExclusive(k.kernel) ? E : '0', labels }
    expect({ entry: k.entry(who), ...stateOf(k) }).toEqual({ entry: 'P RO', ...expected })
    const found = watch(k, PROMISES)
    acts.store(k, who, 0x77, offset).finishes()
    const entry = k.entry(who)
    expect(entry === 'P RW' ? 'R' : 'C').toBe(cell.answer)
    expect(entry.endsWith('RW')).toBe(true)
    after?.()
    if (cell.judgement === '✘') expect(found).not.toEqual([])
    else expect(found).toEqual([])
  })
})
