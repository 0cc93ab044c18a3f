import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bootCxl } from '../../../testing/cxl-kernel'
import { EINVAL } from '../../include/errno'
import {
  decodeHpa,
  dpaToHpa,
  eig_to_granularity,
  eiw_to_ways,
  granularity_to_eig,
  ways_to_eiw,
} from './decode'
import { saveMedia, showMedia } from './media'
import { create_region } from './region-create'

const WAYS = [1, 2, 4, 8, 16, 3, 6, 12]
const GRANULARITIES = [256, 512, 1024, 2048, 4096, 8192, 16_384]
const GRANULE = 0x10000000

const interleave = fc.record({
  ways: fc.constantFrom(...WAYS),
  granularity: fc.constantFrom(...GRANULARITIES),
  hpa_base: fc.integer({ min: 0, max: 2 ** 22 }).map((n) => n * GRANULE),
})

describe('the arithmetic of an interleave set (6.1)', () => {
  it('is that of the example: HPA 0x480003010 is chunk 3, position 1, DPA offset 0x1010', () => {
    const set = { hpa_base: 0x480000000, size: 0x20000000, ways: 2, granularity: 4096 }
    expect(decodeHpa(set, 0x480003010)).toEqual({ pos: 1, offset: 0x1010 })
    expect(dpaToHpa(set, { pos: 1, offset: 0x1010 })).toBe(0x480003010)
    expect(decodeHpa(set, 0x49fffffff)).toEqual({ pos: 1, offset: 0xfffffff })
  })

  it('has eig 0 to 6 for 256 bytes to 16 KiB, and eiw 0 to 4 and 8 to 10', () => {
    expect(GRANULARITIES.map(granularity_to_eig)).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect(WAYS.map(ways_to_eiw)).toEqual([0, 1, 2, 3, 4, 8, 9, 10])
    for (const each of GRANULARITIES)
      expect(eig_to_granularity(granularity_to_eig(each))).toBe(each)
    for (const each of WAYS) expect(eiw_to_ways(ways_to_eiw(each))).toBe(each)
    expect([0, 128, 300, 32_768, 4096.5].map(granularity_to_eig)).toEqual(Array(5).fill(-EINVAL))
    expect([0, 5, 7, 9, 24, 32].map(ways_to_eiw)).toEqual(Array(6).fill(-EINVAL))
    expect([eig_to_granularity(7), eiw_to_ways(5)]).toEqual([-EINVAL, -EINVAL])
  })

  it('goes there and back for every address of every set', () => {
    fc.assert(
      fc.property(interleave, fc.nat(), (set, at) => {
        const size = GRANULE * set.ways
        const hpa = set.hpa_base + (at % size)
        const place = decodeHpa({ ...set, size }, hpa)
        expect(place.pos).toBeLessThan(set.ways)
        expect(place.offset).toBeLessThan(GRANULE)
        expect(dpaToHpa({ ...set, size }, place)).toBe(hpa)
      }),
      { numRuns: 2000 },
    )
  })

  it('goes back and there for every place on every card', () => {
    fc.assert(
      fc.property(interleave, fc.nat(), fc.nat(), (set, at, which) => {
        const size = GRANULE * set.ways
        const place = { pos: which % set.ways, offset: at % GRANULE }
        const hpa = dpaToHpa({ ...set, size }, place)
        expect(hpa).toBeGreaterThanOrEqual(set.hpa_base)
        expect(hpa).toBeLessThan(set.hpa_base + size)
        expect(decodeHpa({ ...set, size }, hpa)).toEqual(place)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('what the cards hold', () => {
  it('is at the device address that the arithmetic gives, page by page', () => {
    const pages = fc.uniqueArray(fc.nat(131_071), { maxLength: 12 })
    fc.assert(
      fc.property(pages, fc.constantFrom(4096, 8192, 16_384), (list, granularity) => {
        const { kernel: k } = bootCxl({ machine: { region: 'none' } })
        const row = k.cxlRegions.make({
          ...{ name: 'region0', start: 0x480000000, size: 2 * GRANULE, ways: 2, granularity },
        })
        const ends = k.cxlDecoders.rows().filter(({ name }) => /^decoder[34].0$/.test(name))
        ends.forEach((decoder, pos) => {
          Object.assign(decoder, { region: row.id, pos, dpa_base: 0, dpa_size: GRANULE })
        })
        list.forEach((page, i) => {
          const pfn = 0x480000 + page
          k.contents.fill(pfn, pfn + 1, { value: i + 1, rest: 2 })
        })
        const before = k.heap.arena.hash
        saveMedia(k, row)
        list.forEach((page, i) => {
          const set = { hpa_base: 0, size: 2 * GRANULE, ways: 2, granularity }
          const { pos, offset } = decodeHpa(set, page * 4096)
          expect(k.cxlMedia.in(pos + 1).at(offset / 4096).value).toBe(i + 1)
        })
        showMedia(k, row)
        saveMedia(k, row)
        showMedia(k, row)
        expect(list.map((page) => k.contents.at(0x480000 + page).value)).toEqual(
          list.map((_, i) => i + 1),
        )
        expect(before).not.toBe('')
      }),
      { numRuns: 40 },
    )
  })

  it('costs what its runs cost: a filled region is one run on each card', () => {
    const { kernel: k } = bootCxl()
    k.contents.fill(0x480003, 0x4a0000, { value: 7, rest: 7 })
    const region = k.cxlRegions.at(1)
    saveMedia(k, region)
    expect([1, 2].map((card) => k.cxlMedia.in(card).runs().length)).toEqual([1, 1])
    expect(k.cxlMedia.in(1).runs()[0]).toMatchObject({ start: 2, end: 65_536 })
    expect(k.cxlMedia.in(2).runs()[0]).toMatchObject({ start: 1, end: 65_536 })
  })
})

describe('a region', () => {
  it.each([
    [{ ways: 5, granularity: 4096, size: 5 * GRANULE }],
    [{ ways: 2, granularity: 300, size: 2 * GRANULE }],
    [{ ways: 2, granularity: 4096, size: GRANULE }],
    [{ ways: 3, granularity: 4096, size: 2 * GRANULE }],
    [{ ways: 2, granularity: 4096, size: 0 }],
  ])('that has no encoding, or no whole granules, is -EINVAL: %j', (wanted) => {
    const k = bootCxl({ machine: { region: 'none' } })
    const root = k.kernel.cxlDecoders.find(({ name }) => name === 'decoder0.0')?.id
    expect(
      k
        .task('root shell')
        .begins(create_region, { root, ...wanted })
        .finishes(),
    ).toBe(-EINVAL)
    expect(k.kernel.cxlRegions.rows()).toEqual([])
  })
})
