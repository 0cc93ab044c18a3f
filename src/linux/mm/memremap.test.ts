import { describe, expect, it } from 'vitest'
import { bootMemory, type MemoryKernel } from '../../testing/memory-kernel'
import { EINVAL, ENOMEM, ENXIO } from '../include/errno'
import { PGMAP_OPS } from '../include/memremap'
import { memory_failure } from './memory-failure'
import { memremap_pages, memunmap_pages } from './memremap'
import { get_dev_pagemap, type Pgmap, put_dev_pagemap } from './memremap-ref'

const FIRST = 0x480200
const { page_free, migrate_to_ram } = PGMAP_OPS

interface About {
  readonly type: Pgmap['type']
  readonly ops?: number
  readonly owner?: string
  readonly altmap?: number
  readonly vmemmap_shift?: number
  readonly ranges?: readonly (readonly [start: number, pages: number])[]
}

/** What each type needs, with eight pages. */
const complete: Readonly<Record<Pgmap['type'], About>> = {
  FS_DAX: { type: 'FS_DAX' },
  GENERIC: { type: 'GENERIC' },
  PRIVATE: { type: 'PRIVATE', ops: page_free | migrate_to_ram, owner: 'gpu' },
  COHERENT: { type: 'COHERENT', ops: page_free, owner: 'gpu' },
  PCI_P2PDMA: { type: 'PCI_P2PDMA', ops: page_free },
}

const boot = (preset: string) => bootMemory({ preset, machine: { sizes: { dmirrors: 3 } } })

/** The driver’s part: what it fills in. */
function describes(k: MemoryKernel, { ranges = [[FIRST, 8]], ...about }: About): Pgmap {
  const [[start, pages] = [0, 0], ...more] = ranges
  const pgmap = k.kernel.pgmaps.make({
    ...about,
    start,
    end: start + pages,
    nr_range: ranges.length,
  })
  pgmap.state = 'exited'
  for (const [i, [first, length]] of more.entries())
    k.kernel.pgmapRanges.in(pgmap.id).fill(i + 1, i + 2, { first, behind: first + length })
  return pgmap
}

const maps = (k: MemoryKernel, pgmap: Pgmap) =>
  k.task('kswapd0').begins(memremap_pages, { pgmap: pgmap.id })

/** `live:9 1`: the pgmap, and what its first page counts. */
const state = (k: MemoryKernel, pgmap: Pgmap, page = FIRST) =>
  `${pgmap.state}:${pgmap.ref} ${k.kernel.pages.has(page) ? k.kernel.pages.at(page).refcount : '–'}`

describe('§1.4 memremap_pages(): eight pages', () => {
  const eras = ['v4.14', 'v5.1', 'v5.12', 'v5.18', 'v6.0', 'v6.1', 'v6.12', 'v6.15', 'v6.17']
  const idle: Readonly<Record<Pgmap['type'], string>> = {
    FS_DAX: '1 1 1 1 1 1 1 0 0',
    GENERIC: '1 1 1 1 1 1 1 1 1',
    PRIVATE: '1 1 1 1 1 0 0 0 0',
    COHERENT: '1 1 1 1 1 0 0 0 0',
    PCI_P2PDMA: '1 1 1 1 1 1 1 0 0',
  }
  it.each(Object.values(complete))('gives idle pages of $type the count of each era', (about) => {
    const counts = eras.map((era) => {
      const k = boot(era)
      maps(k, describes(k, about)).finishes()
      return k.kernel.pages.at(FIRST + 7).refcount
    })
    expect(counts.join(' ')).toBe(idle[about.type])
  })

  it.each([
    ['v5.12', 'FS_DAX', 9],
    ['v6.12', 'FS_DAX', 9],
    ['v6.12', 'GENERIC', 9],
    ['v6.12', 'PCI_P2PDMA', 9],
    ['v5.12', 'PRIVATE', 9],
    ['v6.0', 'COHERENT', 9],
    ['v6.1', 'PRIVATE', 1],
    ['v6.12', 'COHERENT', 1],
  ] as const)('%s counts the pgmap of %s from 1 to %i', (era, type, ref) => {
    const k = boot(era)
    const pgmap = describes(k, complete[type])
    maps(k, pgmap).runTo('get_pages')
    expect(pgmap.ref).toBe(1)
    k.task('kswapd0').finishes()
    expect(pgmap.ref).toBe(ref)
  })

  it('counts folios: 16 MiB at 2 MiB is 9 too; and 768 MiB is 196609', () => {
    const k = boot('v6.12')
    const aligned = describes(k, { ...complete.GENERIC, vmemmap_shift: 9, ranges: [[FIRST, 4096]] })
    maps(k, aligned).finishes()
    const pmem = describes(k, { ...complete.FS_DAX, ranges: [[0x500000, 196_608]] })
    maps(k, pmem).finishes()
    expect([aligned.ref, pmem.ref]).toEqual([9, 196_609])
  })

  it('lets lookups succeed before there is a struct page', () => {
    const k = boot('v6.12')
    const pgmap = describes(k, complete.FS_DAX)
    const driver = maps(k, pgmap)
    expect(get_dev_pagemap(k.kernel, FIRST)).toBeUndefined()
    driver.step()
    expect([k.kernel.pages.has(FIRST), get_dev_pagemap(k.kernel, FIRST)?.id]).toEqual([
      false,
      pgmap.id,
    ])
    put_dev_pagemap(pgmap)
  })

  it('begins behind an altmap: its pages have no struct page, and are not counted', () => {
    const k = boot('v6.12')
    const pgmap = describes(k, { ...complete.FS_DAX, altmap: 2 })
    maps(k, pgmap).finishes()
    expect([state(k, pgmap), pgmap.ref, k.kernel.pages.has(FIRST + 2)]).toEqual([
      'live:7 –',
      7,
      true,
    ])
    k.task('ksmd').begins(memory_failure, { pfn: FIRST + 1, flags: 0 })
    expect(k.task('ksmd').finishes()).toBe(-ENXIO)
  })

  it('makes several ranges one after the other', () => {
    const k = boot('v6.12')
    const pgmap = describes(k, {
      ...complete.GENERIC,
      ranges: [
        [FIRST, 8],
        [0x490000, 4],
      ],
    })
    const driver = maps(k, pgmap).runTo('next_range')
    expect([pgmap.ref, pgmap.nr_range]).toEqual([9, 1])
    driver.finishes()
    expect([pgmap.ref, pgmap.nr_range, k.kernel.pages.at(0x490003).refcount]).toEqual([13, 2, 1])
    k.task('ksmd').begins(memunmap_pages, { pgmap: pgmap.id }).finishes()
    expect([pgmap.state, k.kernel.pages.has(0x490003), k.kernel.pgmapArray.has(0x490003)]).toEqual([
      'exited',
      false,
      false,
    ])
  })
})

describe('§1.4 memremap_pages(): what fails', () => {
  const incomplete: readonly (readonly [string, About])[] = [
    ['PRIVATE without migrate_to_ram', { ...complete.PRIVATE, ops: page_free }],
    ['PRIVATE without page_free', { ...complete.PRIVATE, ops: migrate_to_ram }],
    ['PRIVATE without an owner', { ...complete.PRIVATE, owner: '' }],
    ['COHERENT without page_free', { ...complete.COHERENT, ops: 0 }],
    ['COHERENT without an owner', { ...complete.COHERENT, owner: '' }],
    ['no range', { ...complete.FS_DAX, ranges: [] }],
  ]
  it.each(incomplete)('%s: -EINVAL, and nothing is counted', (_, about) => {
    const k = boot('v6.12')
    const pgmap = describes(k, about)
    expect(maps(k, pgmap).finishes()).toBe(-EINVAL)
    expect(pgmap.ref).toBe(0)
  })

  const isGone = (k: MemoryKernel, pgmap: Pgmap, pfn = FIRST) => [
    pgmap.state,
    pgmap.ref,
    k.kernel.pages.has(pfn),
    k.kernel.pgmapArray.has(pfn),
  ]
  const GONE = ['exited', 0, false, false]

  it('another pgmap at either end of the range: -ENOMEM', () => {
    for (const start of [FIRST + 4, FIRST - 4]) {
      const k = boot('v6.12')
      const first = describes(k, complete.FS_DAX)
      maps(k, first).finishes()
      const second = describes(k, { ...complete.GENERIC, ranges: [[start, 8]] })
      expect(maps(k, second).finishes()).toBe(-ENOMEM)
      expect([second.state, state(k, first)]).toEqual(['exited', 'live:9 1'])
    }
  })

  it('System RAM in it: -ENXIO', () => {
    const k = boot('v6.12')
    const pgmap = describes(k, { ...complete.FS_DAX, ranges: [[0x7fffe, 8]] })
    expect(maps(k, pgmap).finishes()).toBe(-ENXIO)
    expect(isGone(k, pgmap, 0x7fffe)).toEqual(GONE)
  })

  it('an altmap with two ranges: -EINVAL, and the first range is taken away again', () => {
    const k = boot('v6.12')
    const about = {
      ...complete.FS_DAX,
      altmap: 2,
      ranges: [
        [FIRST, 8],
        [0x490000, 4],
      ],
    } as const
    const pgmap = describes(k, about)
    const driver = maps(k, pgmap).runTo('unwind')
    expect(k.kernel.pages.has(FIRST + 2)).toBe(true)
    expect(driver.finishes()).toBe(-EINVAL)
    expect([...isGone(k, pgmap, FIRST + 2), pgmap.nr_range]).toEqual([...GONE, 2])
  })

  it('the third range in System RAM: -ENXIO, and the first two are taken away again', () => {
    const k = boot('v6.12')
    const ranges = [
      [FIRST, 8],
      [0x490000, 4],
      [0x7fffe, 8],
    ] as const
    const pgmap = describes(k, { ...complete.GENERIC, ranges })
    expect(maps(k, pgmap).finishes()).toBe(-ENXIO)
    expect([isGone(k, pgmap), isGone(k, pgmap, 0x490000)]).toEqual([GONE, GONE])
  })
})

describe('§1.5 memunmap_pages(): eight idle pages', () => {
  const columns = [
    ['v5.12', 'GENERIC', ['live:9 1', 'dying:8 1', 'dying:0 0', 'dead:0 0', 'exited:0 –']],
    ['v6.12', 'GENERIC', ['live:9 1', 'dying:8 1', 'dying:0 1', 'dead:0 1', 'exited:0 –']],
    ['v5.12', 'PRIVATE', ['live:9 1', 'dying:8 1', 'dying:0 0', 'dead:0 0', 'exited:0 –']],
    ['v6.0', 'COHERENT', ['live:9 1', 'dying:8 1', 'dying:0 1', 'dead:0 1', 'exited:0 –']],
    ['v6.12', 'PRIVATE', ['live:1 0', 'dying:0 0', 'dying:0 0', 'dead:0 0', 'exited:0 –']],
    ['v6.15', 'PCI_P2PDMA', ['live:9 0', 'dying:8 0', 'dying:0 0', 'dead:0 0', 'exited:0 –']],
  ] as const
  it.each(columns)('%s, %s: the numbers of every row', (era, type, rows) => {
    const k = boot(era)
    const pgmap = describes(k, complete[type])
    maps(k, pgmap).finishes()
    const driver = k.task('kswapd0').begins(memunmap_pages, { pgmap: pgmap.id })
    const seen = [state(k, pgmap)]
    for (const step of ['put_pages', 'switch_to_atomic', 'wait_done']) {
      driver.runTo(step)
      seen.push(state(k, pgmap))
    }
    driver.finishes()
    expect([...seen, state(k, pgmap)]).toEqual(rows)
  })

  it('finds the pgmap in pgmap_array until the memory map is gone', () => {
    const k = boot('v6.12')
    const pgmap = describes(k, complete.GENERIC)
    maps(k, pgmap).finishes()
    const driver = k.task('kswapd0').begins(memunmap_pages, { pgmap: pgmap.id }).runTo('exit')
    expect([k.kernel.pages.has(FIRST), k.kernel.pgmapArray.has(FIRST)]).toEqual([false, true])
    expect(get_dev_pagemap(k.kernel, FIRST)).toBeUndefined()
    driver.finishes()
    expect(k.kernel.pgmapArray.has(FIRST)).toBe(false)
  })
})
