import { describe, expect, it } from 'vitest'
import { policies } from '../linux/policies'
import { presets } from '../linux/presets'
import { explored } from '../testing/explored'
import { bootIomem, node } from '../testing/iomem-kernel'
import { halfABar } from './half-a-bar'
import { mmapRacesAClaim } from './mmap-races-a-claim'
import { openScenario } from './open'
import type { Scenario } from './scenario'
import { twoMinds } from './two-minds'

type Chosen = Readonly<Record<string, string>>

/** Plays the whole story; which properties broke, and what it tells. */
function play(scenario: Scenario, chosen: Chosen = {}, preset = scenario.preset) {
  const opened = openScenario(scenario, { policies: chosen, preset })
  if (typeof opened === 'string') throw new Error(opened)
  expect(opened.timeline.seek(Number.MAX_SAFE_INTEGER)).toBeUndefined()
  const { kernel } = opened.timeline
  for (const { id } of kernel.tasks.rows()) expect(kernel.machine.isIdle(id)).toBe(true)
  const broken = opened.timeline.standings().filter(({ since }) => since !== undefined)
  const told = opened.passages.map(({ text }) => text)
  for (const text of told) expect(text).not.toMatch(/undefined|NaN|\[object/)
  return { broken: broken.map(({ invariant }) => invariant.name), told, kernel }
}

const stories = [twoMinds, mmapRacesAClaim, halfABar]
/** Every value of what a scenario offers, with every value of the others of the family. */
const FAMILY = [
  'iomemClaim',
  'iomemMmap',
  'ioStrictDevmem',
  'strictDevmem',
  'iomemParam',
  'lockdown',
]
const mixes: Chosen[] = policies
  .filter(({ name }) => FAMILY.includes(name))
  .reduce<Chosen[]>(
    (sofar, { name, values }) =>
      sofar.flatMap((mix) => Object.keys(values).map((value) => ({ ...mix, [name]: value }))),
    [{}],
  )

describe.each(stories.map((story) => [story.name, story] as const))('%s', (_name, story) => {
  it('can be told under every preset, and every mix of its family’s policies', () => {
    for (const { name } of presets) play(story, {}, name)
    for (const mix of mixes) play(story, mix)
    expect(mixes).toHaveLength(6 * 3 * 2 * 2 * 3 * 2)
  })
})

const P2 = {}
const P1 = { iomemClaim: 'ignore' }
const P0 = { iomemClaim: 'ignore', ioStrictDevmem: 'off' }
const P3 = { iomemClaim: 'failDriver' }
const P3counted = { iomemClaim: 'failDriverCounted' }
const P4 = { iomemClaim: 'deny' }

describe('two-minds', () => {
  it.each([
    ['P0', P0, 'superblock is destroyed', 'succeeds'],
    ['P1', P1, 'superblock is destroyed', '-EPERM'],
    ['P2', P2, 'gets SIGBUS, BUS_ADRERR', '-EPERM'],
    ['P3', P3, 'harms nobody', 'succeeds'],
    ['P4', P4, 'refused before any driver has asked', '-EPERM'],
    ['iomem=relaxed', { iomemParam: 'relaxed' }, 'superblock is destroyed', 'succeeds'],
  ])('%s', (_policy, chosen, stray, again) => {
    const { told } = play(twoMinds, chosen)
    const [all, last] = [told.join(' '), told.at(-1)]
    expect(all).toContain(stray)
    expect(last).toContain(again)
  })

  it.each([
    ['P0', P0, ['noUserWriteAfterClaim', 'durability', 'noStalePte', 'noNewMapOfClaim']],
    ['P1', P1, ['noUserWriteAfterClaim', 'durability', 'noStalePte']],
    ['P2', P2, []],
    ['P3', P3, []],
    ['P4', P4, []],
  ])('%s breaks what its table says', (_policy, chosen, broken) => {
    expect(play(twoMinds, chosen).broken).toEqual(broken)
  })

  it('tells of the window between the two claims (W10)', () => {
    expect(play(twoMinds).told.at(2)).toContain('The monitor’s entry is gone')
    expect(play(twoMinds, P1).told.at(2)).toContain('The monitor’s entry is still there')
  })

  it('says what the driver learns, where the driver is to fail', () => {
    const { told, kernel } = play(twoMinds, P3)
    expect(told.at(1)).toContain('could not reserve region')
    expect(kernel.namespaces.at(1).driver).toBe('none')
  })
})

describe('half-a-bar', () => {
  it('6.12: two entries go, two stay, as recorded', () => {
    const { told, broken } = play(halfABar)
    expect(told.slice(1)).toEqual([
      'fe900000-fe901fff is BUSY. Only pages 2 and 3 have an entry.',
      'The load gets SIGBUS, BUS_ADRERR.',
      'The load goes through.',
      'mmap() gives -EINVAL: of a BAR only the first page is looked at, and that one is claimed.',
      'mmap() succeeds: /dev/mem asks for each page.',
      'The load gets SIGBUS, BUS_ADRERR, still: nothing fills the entry again. munmap() and mmap() would.',
    ])
    expect(broken).toEqual([])
  })

  it('5.8 to 5.11: a claim does not see mappings of PCI files', () => {
    const { told, broken } = play(halfABar, { iomemClaim: 'revokeDevmem' })
    expect(told.at(1)).toContain('All four pages have an entry')
    expect(broken).toEqual(['noStalePte'])
  })

  it('P3: the driver gets nothing; P4: the tool gets nothing', () => {
    expect(play(halfABar, P3).told.at(1)).toContain('gives NULL')
    expect(play(halfABar, P4).told.at(0)).toBe('mmap() gives -EINVAL.')
  })
})

describe('mmap-races-a-claim', () => {
  it.each([
    ['P2', P2, 'A permanent alias', ['noUserWriteAfterClaim', 'noStalePte']],
    ['recheck', { iomemMmap: 'recheck' }, 'gives -EPERM', ['noUserWriteAfterClaim', 'noStalePte']],
    ['fault', { iomemMmap: 'fault' }, 'has no entry', ['noUserWriteAfterClaim']],
    ['P3', P3, 'A permanent alias', ['noUserWriteAfterClaim', 'noStalePte']],
    ['P3, counted', P3counted, 'nobody has claimed it', ['noUserWriteAfterClaim']],
    ['P4', P4, 'Refused: nobody may map', []],
  ])('%s', (_policy, chosen, goesOn, broken) => {
    const found = play(mmapRacesAClaim, chosen)
    expect(found.told.join(' ')).toContain(goesOn)
    expect(found.broken).toEqual(broken)
  })

  it('tells of write(), which has no mapping to revoke (W7)', () => {
    expect(play(mmapRacesAClaim).told.at(-1)).toContain('the 4096 bytes that it did write')
    expect(play(mmapRacesAClaim, P4).told.at(-1)).toContain('write() gives -EPERM')
  })
})

describe('every interleaving of a mmap() and a claim', () => {
  const race = (chosen: Chosen) => {
    const k = bootIomem('v6.12', [node('bar', 0xfe000000, 0xfe000fff, 0x200)], {
      policies: chosen,
    })
    k.maps('T', 0xfe000, 1)
    k.claims('D', 0xfe000000, 0xfe000fff)
    const { states, transitions, broken } = explored(k.kernel)
    return [states, transitions, broken]
  }

  it.each([
    ['P2', P2, 130, 216, { noStalePte: 16 }],
    ['recheck', { iomemMmap: 'recheck' }, 145, 242, { noStalePte: 16 }],
    ['fault', { iomemMmap: 'fault' }, 126, 212, {}],
    ['P1', P1, 56, 88, { noStalePte: 10 }],
    ['P3', P3, 62, 95, { noStalePte: 10 }],
    ['P3, counted', P3counted, 54, 82, {}],
    ['P4', P4, 36, 54, {}],
  ])('%s', (_policy, chosen, states, transitions, broken) => {
    expect(race(chosen)).toEqual([states, transitions, broken])
  })
})
