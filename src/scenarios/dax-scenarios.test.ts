import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { policies } from '../linux/policies'
import { presets } from '../linux/presets'
import { scenarios } from '.'
import { isAsRecorded, type Opened, openScenario, type Request } from './open'
import type { Scenario } from './scenario'

/** The stories of §9 of the DAX sheet, those of kmem and of hotplug included. */
const names = [
  'the-driver-is-gone',
  'the-next-tenant',
  'unbind-with-rmapbt',
  'the-read-fault-window',
  'force-unmap-pmem',
  'a-fault-slips-through',
  'devdax-under-a-pin',
  'rdma-outlives-the-card',
  'rdma-on-dax',
  'truncate-under-dma',
  'truncate-starves',
  'the-lease-of-2017',
  'the-mapper-comes-back',
  'unlink-while-pinned',
  'umount-while-pinned',
  'gup-fast-and-unbind',
  'gup-fast-and-zap',
  'hwpoison-anon',
  'who-hears-of-it',
  'dax-poison',
  'a-scrub-of-dax',
  'kmem-leak',
  'offline-and-a-pin',
]

function find(name: string): Scenario {
  const scenario = scenarios.find((each) => each.name === name)
  if (scenario === undefined) throw new Error(`there is no scenario ${name}`)
  return scenario
}

function open(name: string, request: Request = {}): Opened {
  const opened = openScenario(find(name), request)
  if (typeof opened === 'string') throw new Error(opened)
  expect(opened.timeline.seek(Number.MAX_SAFE_INTEGER)).toBeUndefined()
  return opened
}

/** Every kernel, each option that the scenario offers, and both ends of its parameters. */
function variants({ policies: offered, params, preset }: Scenario): Request[] {
  const options = policies
    .filter(({ name }) => offered.includes(name))
    .flatMap(({ name, values }) => Object.keys(values).map((value) => ({ [name]: value })))
  const eras = [...new Set([preset, 'v4.14', 'v5.12', 'v6.12', 'v6.15'])]
  return [
    ...presets.map(({ name }) => ({ preset: name })),
    ...eras.flatMap((era) => options.map((chosen) => ({ preset: era, policies: chosen }))),
    ...Object.entries(params).flatMap(([name, { min, max }]) =>
      [min, max].flatMap((value) =>
        eras.map((era) => ({ preset: era, params: { [name]: value } })),
      ),
    ),
  ]
}

/** What a story may show broken; everything else is the engine’s own book-keeping. */
const SHOWN = [
  'noPteToDeadPgmap',
  'entryMatchesFile',
  'dmaKeepsOwner',
  'dmaKeepsDevice',
  'noPinWithoutPage',
  'noFreedBlockHeld',
  'truncateWaits',
  'truncateReturns',
  'removeReturns',
  'evictionReturns',
  'gupReturns',
  'offlineReturns',
  'longtermPlacement',
]

describe.each(names)('%s', (name) => {
  it('plays its story under every kernel and option, in whole sentences', () => {
    for (const request of variants(find(name))) {
      const { passages, timeline } = open(name, request)
      const about = JSON.stringify(request)
      expect(passages.length, about).toBeGreaterThan(1)
      for (const { text, from, to } of passages) {
        expect(text, about).toMatch(/^\S.{10,}[.”]$/s)
        expect(text, about).not.toMatch(/undefined|NaN|null|\bit \.| {2}/)
        expect(from, about).toBeLessThan(to)
      }
      const broken = timeline.standings().filter(({ since }) => since !== undefined)
      const unexpected = broken.filter(({ invariant }) => !SHOWN.includes(invariant.name))
      expect(
        unexpected.map(({ finding }) => finding?.says),
        about,
      ).toEqual([])
    }
  })
})

/** What is broken at the end of a story, what it tells, passage by passage. */
function told(name: string, request: Request = {}) {
  const { passages, timeline } = open(name, request)
  const broken = timeline
    .standings()
    .filter(({ since }) => since !== undefined)
    .map(({ invariant }) => invariant.name)
  const text = (title: string) => passages.find((each) => each.title === title)?.text ?? ''
  const waits = timeline.kernel.tasks
    .rows()
    .flatMap(({ id }) => timeline.kernel.machine.waiting(id)?.reason ?? [])
  return { broken, text, waits, passages, kernel: timeline.kernel }
}
const under = (preset: string, chosen: Readonly<Record<string, string>> = {}): Request => ({
  preset,
  policies: chosen,
})

describe('truncate under DMA, option by option (W1 to W6)', () => {
  const arrives = (request: Request) =>
    told('truncate-under-dma', request).text('The data arrives.')

  it('corrupts another file up to 4.17', () => {
    expect(arrives(under('v4.14'))).toContain('belongs to /mnt/b: it has 0xd1 where it wrote 0xf2')
    expect(told('truncate-under-dma').broken).toEqual(['dmaKeepsOwner', 'noFreedBlockHeld'])
  })

  it.each([
    ['wait', '/mnt/a'],
    ['fail', '/mnt/a'],
    ['lease', '/mnt/a'],
    ['remap', 'lost+found'],
  ])(
    '%s: the data lands in a block of %s, and the other file has its own',
    (daxTruncate, owner) => {
      const text = arrives(under('v5.12', { daxTruncate }))
      expect(text).toContain(`0xd1 lands in block 0x60400, which belongs to ${owner}: 0xd1`)
      expect(text).toContain('/mnt/b has 0xf2')
    },
  )

  it('lands in an orphan page without DAX', () => {
    expect(arrives(under('v5.12', { daxTruncate: 'noDax' }))).toContain('Block 0x60400 has 0xf2')
  })

  it('has the lease of 2017 with dl_count 2, 3, 3, 3, 3, 1 and none (W7)', () => {
    const { passages } = told('the-lease-of-2017')
    const counts = passages.map(({ text }) => /dl_count (\d)/.exec(text)?.[1] ?? 'none')
    expect(counts).toEqual(['2', '3', '3', '3', '3', '1', 'none'])
  })

  it.each(['v6.12', 'v6.15'])(
    '%s starves while pins overlap, and ends when they do (W10)',
    (preset) => {
      const { passages, text, waits } = told('truncate-starves', under(preset))
      const rounds = passages.filter(({ title }) => title.startsWith('Round'))
      const seen = rounds.map((each) => /waits for page (0x\w+)/.exec(each.text)?.[1])
      expect(seen).toEqual(['0x60401', '0x60400', '0x60401'])
      expect(text('The stream stops.')).toContain('truncate returns 0')
      expect(waits).toEqual([])
    },
  )

  it('lets a truncate of 6.15 sleep on while the mapper has come back', () => {
    const { text, waits } = told('the-mapper-comes-back', under('v6.15'))
    expect(text('The pin is dropped.')).toContain('refcount 1 → 0')
    expect(text('The reader touches it afterwards.')).toContain('Only now truncate goes on')
    expect(waits).toEqual([])
  })

  it('hands a pinned block over where nobody maps the file, and waits from 6.15 on (W12, W13)', () => {
    const title = 'A new file is made, mapped and written.'
    expect(told('unlink-while-pinned').text(title)).toContain('/mnt/n got block 0x60400')
    const { text, broken } = told('unlink-while-pinned', under('v6.15'))
    expect(text('Root unlinks it.')).toContain('refcount 1024 → 0')
    expect(text(title)).toContain('still belongs to /mnt/u')
    expect(broken).toEqual(['evictionReturns'])
  })
})

/** An entry that outlives the struct page: no page has the file’s mapping there any more, either. */
const STALE = ['noPteToDeadPgmap', 'entryMatchesFile']

describe('removal, era by era', () => {
  it.each([
    ['v5.12', true],
    ['v6.1', true],
    ['v6.12', true],
    ['v6.15', true],
  ])('%s: the next tenant’s bytes are read (%s) without a reverse map (W18)', (preset, isRead) => {
    const { text, broken } = told('the-next-tenant', under(preset))
    expect(text('Tenant 1 reads its mapping.').includes('0x7e')).toBe(isRead)
    expect(text('And writes.')).toContain('gets SIGBUS')
    expect(broken).toEqual(STALE)
  })

  it.each([
    ['v6.1', {}, false],
    ['v6.8', {}, true],
    ['v6.12', {}, true],
    ['v6.12', { filesystem: 'ext4' }, false],
    ['v6.12', { rmapbt: 'off' }, false],
  ] as const)('%s %j with a reverse map: unmapped %s (W21)', (preset, chosen, isUnmapped) => {
    const { broken } = told('unbind-with-rmapbt', under(preset, chosen))
    expect(broken).toEqual(isUnmapped ? [] : STALE)
  })

  it('lets a read fault slip in while writes are frozen (W22)', () => {
    const { text, broken } = told('the-read-fault-window')
    expect(text('The writer writes once more.')).toContain('which is frozen, to be thawed')
    expect(text('The reader reads again.')).toContain('reads 0xf1')
    expect(broken).toEqual(STALE)
  })

  it.each([
    ['v5.12', 'pages are pinned by child (FOLL_PIN|FOLL_LONGTERM)', 'The last put ends the wait'],
    ['v6.12', 'unbind returns 0 at once', 'oops'],
  ])('%s: a pin of a DAX device (W23)', (preset, unbind, unpin) => {
    const { text, waits } = told('devdax-under-a-pin', under(preset))
    expect(text('Root unbinds.')).toContain(unbind)
    expect(text('The pin is dropped.')).toContain(unpin)
    expect(waits).toEqual([])
  })

  it.each(['v5.12', 'v6.12'])('%s: ends clean where pins are revoked', (preset) => {
    const { broken, waits } = told('rdma-outlives-the-card', {
      preset,
      policies: { longtermRevoke: 'revoke' },
    })
    expect([broken, waits]).toEqual([[], []])
  })

  it('writes over the next tenant on 6.12, and over nobody on 5.12', () => {
    const title = 'The adapter writes.'
    const name = 'rdma-outlives-the-card'
    expect(told(name).text(title)).toContain('0xd1 where that had 0x7e')
    expect(told(name, under('v5.12')).text(title)).toContain('an unbind that hangs')
  })

  it.each([
    [1, []],
    [0, STALE],
  ])('the series of 2021 with early kill %i breaks %j (W19)', (early, expected) => {
    expect(told('force-unmap-pmem', { params: { early } }).broken).toEqual(expected)
  })

  it('lets a fault slip through the series of 2021 (W20)', () => {
    expect(told('a-fault-slips-through').broken).toEqual(STALE)
  })

  it('is survived by gup-fast through the pgmap, or not (W14, W15)', () => {
    const late = (gupPgmap: string) =>
      told('gup-fast-and-unbind', under('v6.12', { gupPgmap })).text('A late walker comes.')
    expect(late('takes')).toContain('does not touch what is not there')
    expect(late('none')).toContain('an oops in gup_fast_pte_range()')
  })

  it('waits for a reference that came before the zap from 5.2 to 5.17 alone (W16)', () => {
    const broken = (preset: string) => told('gup-fast-and-zap', under(preset)).broken
    expect([broken('v4.14'), broken('v5.12'), broken('v6.17')]).toEqual([
      // The put of the walker comes to a page that is gone, and never to the count that is awaited.
      ['noPinWithoutPage', 'removeReturns'],
      [],
      ['noPinWithoutPage'],
    ])
  })
})

describe('memory that is lost, or goes offline', () => {
  it('unmaps nobody at a scrub where nobody asked for early kill, and everybody otherwise (W27 e)', () => {
    const scrub = (early: number) =>
      told('a-scrub-of-dax', { params: { early } }).text('The scrubber finds an error in it.')
    expect(scrub(0)).toContain('entries: A writable, B read-only')
    expect(scrub(1)).toContain('entries: A none, B none')
  })

  it('leaks a region, and puts the next one above it (W24)', () => {
    const last = (request: Request) => told('kmem-leak', request).passages.at(-1)?.text
    expect(last({})).toContain('lies at 0x4a0000000')
    expect(last(under('v6.12', { kmemRemove: 'failMemory' }))).toContain('lies at 0x480000000')
  })

  it('fails at a slab page at once, and tries a pinned page for ever (W28)', () => {
    const offline = (slab: number) =>
      told('offline-and-a-pin', { params: { slab } }).text('Root offlines block 146.')
    expect(offline(0)).toContain('_refcount 1025, expected 1; pinned by app')
    expect(offline(1)).toContain('It returns -16, -EBUSY, at once')
  })

  it('refuses a registration of a DAX file, grants one on demand, and truncates (W29)', () => {
    const { text } = told('rdma-on-dax')
    expect(text('The process registers the file.')).toContain('-95, -EOPNOTSUPP')
    expect(text('Root truncates the file.')).toContain('returns 0 without a wait')
  })
})

describe('what a story says about itself', () => {
  it('corrects seven things that are often said, each once', () => {
    const notes = scenarios.flatMap(({ story }) =>
      story.flatMap(({ oftenSaid }) => oftenSaid ?? []),
    )
    expect(notes).toHaveLength(7)
    expect(new Set(notes.map(({ said }) => said)).size).toBe(7)
  })

  it('is marked as deduced where no kernel developer has said so', () => {
    const deduced = scenarios
      .filter(({ evidence }) => evidence === 'deduced')
      .map(({ name }) => name)
    expect(deduced).toEqual([
      'the-read-fault-window',
      'force-unmap-pmem',
      'a-fault-slips-through',
      'gup-fast-and-unbind',
      'gup-fast-and-zap',
      'rdma-outlives-the-card',
    ])
  })

  it('is recorded under the rules of the recorded kernel alone', () => {
    const scenario = find('unbind-with-rmapbt')
    expect(isAsRecorded(scenario, open(scenario.name).setup)).toBe(true)
    expect(isAsRecorded(scenario, open(scenario.name, under('v6.8')).setup)).toBe(false)
    const without = under('v6.12', { rmapbt: 'off' })
    expect(isAsRecorded(scenario, open(scenario.name, without).setup)).toBe(false)
    expect(open(scenario.name).passages.map(({ evidence }) => evidence)).toContain('recorded')
    const older = open(scenario.name, under('v6.8')).passages
    expect(older.map(({ evidence }) => evidence)).not.toContain('recorded')
  })
})

/** Groups of each recording that its story tells; of the first one the steps up to the accesses. */
const groups: Readonly<Record<string, readonly string[]>> = {
  'fsdax-xfs-unbind': ['unbind 1', 'unbind 2', 'unbind 3'],
  'fsdax-xfsrmap-unbind': ['unbind'],
  'fsdax-xfs-hold': ['truncate-pin', 'punch-pin', 'write-pin'],
  'fsdax-xfs-unlink': ['unlink-pinned'],
  'fsdax-xfs-umount': ['umount-pinned'],
  'devdax-pin': ['devdax', 'unbind'],
  hwpoison: ['anon'],
  'fsdax-xfs-hwpoison': ['dax'],
}

/** What an action of a recording is here; files and areas that are there to begin with are not acts. */
const operationOf: Readonly<Record<string, readonly string[]>> = {
  read: ['userLoad'],
  write: ['userStore'],
  gup: ['pin_user_pages_fast', 'get_user_pages_fast'],
  ungup: ['unpin_user_pages'],
  truncate: ['xfs_vn_setattr'],
  punch_hole: ['xfs_file_fallocate'],
  write_file: ['writeFile'],
  unbind: ['__device_release_driver', 'dev_dax_remove'],
  umount: ['path_umount'],
  munmap: ['do_munmap'],
  close: ['filp_close'],
  unlink: ['vfs_unlink'],
  fork: ['kernel_clone'],
  exit: ['do_exit'],
  madvise: ['madviseHwpoison'],
}

interface Step {
  readonly group: string
  readonly n: string
  readonly do?: readonly { readonly op: string }[]
}

/** The actions of the groups that a story tells, in the order of the recording. */
function recordedActions(file: string): string[] {
  const url = new URL(`../formats/fixtures/recordings/${file}.jsonl`, import.meta.url)
  const steps = readFileSync(url, 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => JSON.parse(line) as Step)
  const wanted = groups[file] ?? []
  return steps
    .filter(({ group, n }) => wanted.includes(group) || wanted.includes(`${group} ${n}`))
    .flatMap((step) => step.do ?? [])
    .map(({ op }) => op)
    .filter((op) => Object.hasOwn(operationOf, op))
}

describe('a recorded story follows its recording', () => {
  const told = scenarios.filter(({ recorded }) => Object.hasOwn(groups, recorded?.file ?? ''))
  /** Without a `do` of its own in the file: what was done is known by the titles. */
  const titled = ['fsdax-xfs-hwpoison']

  it.each(
    told
      .map((scenario) => [scenario.name, scenario.recorded?.file ?? ''] as const)
      .filter(([, file]) => !titled.includes(file)),
  )('%s: action by action, and none more', (name, file) => {
    const { story } = open(name)
    const begun = story.flatMap(({ choice }) => (choice.kind === 'start' ? [choice.operation] : []))
    const known = Object.values(operationOf).flat()
    const acts = begun.filter((operation) => known.includes(operation))
    const expected = recordedActions(file)
    expect(expected.length).toBeGreaterThan(2)
    const matches = expected.map((op, i) => (operationOf[op] ?? []).includes(acts[i] ?? ''))
    expect(matches.indexOf(false), `${expected.join(' ')} | ${acts.join(' ')}`).toBe(-1)
    expect(acts.slice(expected.length).filter((act) => act !== 'do_exit')).toEqual([])
  })

  it('is there for each of the eight recordings of DAX, removal and memory failure', () => {
    const files = told.map(({ recorded }) => recorded?.file)
    expect(new Set(files)).toEqual(new Set(Object.keys(groups)))
  })
})
