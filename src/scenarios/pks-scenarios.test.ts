import { describe, expect, it } from 'vitest'
import { policies } from '../linux/policies'
import { presets } from '../linux/presets'
import { scenarios } from '.'
import { openScenario } from './open'
import { pksBootOrder } from './pks-boot-order'
import { pksFourOptions } from './pks-four-options'
import { pksGlobalHole } from './pks-global-hole'
import { pksNestedException } from './pks-nested-exception'
import { pksStrayWrite } from './pks-stray-write'
import { pksTwoHolders } from './pks-two-holders'
import { pksWrongConversion } from './pks-wrong-conversion'
import type { Scenario } from './scenario'

type Chosen = Readonly<Record<string, string>>

/** Plays the whole story; which properties broke, and what it tells. */
function play(scenario: Scenario, chosen: Chosen = {}, params = {}, preset?: string) {
  const request = { policies: chosen, params, ...(preset && { preset }) }
  const opened = openScenario(scenario, request)
  if (typeof opened === 'string') throw new Error(opened)
  expect(opened.timeline.seek(Number.MAX_SAFE_INTEGER)).toBeUndefined()
  const { kernel } = opened.timeline
  const waits = kernel.tasks.rows().flatMap(({ id }) => kernel.machine.waiting(id)?.reason ?? [])
  expect(waits).toEqual([])
  const broken = opened.timeline
    .standings()
    .filter(({ since }) => since !== undefined)
    .map(({ invariant }) => invariant.name)
  return { broken, told: opened.passages.map(({ text }) => text) }
}

const stories = scenarios.filter(({ name }) => name.startsWith('pks-'))

/** Every mix of the policies that a story offers. */
function mixes({ policies: names }: Scenario): Chosen[] {
  return names.reduce<Chosen[]>(
    (all, name) => {
      const values = policies.find((each) => each.name === name)?.values ?? {}
      return all.flatMap((mix) => Object.keys(values).map((value) => ({ ...mix, [name]: value })))
    },
    [{}],
  )
}

describe('every story of protection keys', () => {
  it.each(stories.map((story) => [story.name, story] as const))(
    '%s has an end, and sentences, under every mix of its policies and every kernel',
    (_, story) => {
      const told = [
        ...mixes(story).map((mix) => play(story, mix)),
        ...presets.map(({ name }) => play(story, {}, {}, name)),
      ].flatMap((each) => each.told)
      for (const text of told) {
        expect(text).not.toMatch(/undefined|NaN| {2}|\.\.| \./)
        expect(text).toMatch(/\.$/)
      }
    },
  )
})

const hurt = ['durability', 'windowOfThePage', 'windowByItself']

describe('pks-stray-write (§4.2)', () => {
  it('is latent until somebody reads it, after a reset, where nothing protects', () => {
    const { broken, told } = play(pksStrayWrite)
    expect(broken).toEqual(['durability'])
    expect(told[1]).toContain('the write lands. There is no fault')
    expect(told[3]).toContain('ordinary memory holds 0x00 now. That of pmem holds 0xbd')
    expect(told[4]).toContain('checksum error, page 0x240001')
  })

  it.each([
    { pks: 'rfc2020' },
    { pks: 'v7', pksFault: 'strict' },
    { pks: 'v10', pksFault: 'strict' },
  ])('is an oops under %j, and pmem is intact', (chosen) => {
    const { broken, told } = play(pksStrayWrite, chosen)
    expect(broken).toEqual([])
    expect(told[1]).toContain('error code 0x23')
    expect(told[4]).toContain('its checksum fits')
  })

  it('is a warning in relaxed mode, and lands', () => {
    const { broken, told } = play(pksStrayWrite, { pks: 'v10' })
    expect(broken).toEqual([...hurt, 'noOpenKeyLeft'])
    expect(told[1]).toContain('lands. The log says “WARNING')
  })
})

describe('pks-global-hole (W14)', () => {
  it('lets stray writes through until the mapping is closed', () => {
    const { broken, told } = play(pksGlobalHole)
    expect(broken).toEqual(hurt)
    expect(told[1]).toContain('The write lands; PKRS of CPU1 is fffffff0.')
    expect(told[3]).toContain('IPIs 1, faults by a key 1.')
    expect(told[4]).toContain('third stray write of buggy is a page fault, error code 0x23')
  })

  it('is not there where kmap() opens for the thread alone', () => {
    expect(play(pksGlobalHole, { kmapOption: 'atomic' }).broken).toEqual([])
    expect(play(pksGlobalHole, { pks: 'v10', pksFault: 'strict' }).broken).toEqual([])
  })
})

describe('pks-wrong-conversion (W15)', () => {
  it('kills the other thread, with keys', () => {
    const { broken, told } = play(pksWrongConversion)
    expect(broken).toEqual(['noFalseKill'])
    expect(told[1]).toContain('Nothing there names submitter')
  })

  it('is invisible without, and nothing is wrong', () => {
    const { broken, told } = play(pksWrongConversion, {}, { keys: 0 })
    expect(broken).toEqual([])
    expect(told[1]).toContain('invisible')
  })

  it('wraps a count where the other thread lives, in v10 (W15b)', () => {
    const { broken, told } = play(pksWrongConversion, { pks: 'v10' })
    expect(told[2]).toContain('4294967295')
    expect(broken).toContain('noOpenKeyLeft')
  })
})

describe('pks-two-holders (W16)', () => {
  it('kills one, and spares the one that was scheduled', () => {
    const { broken, told } = play(pksTwoHolders)
    expect(broken).toEqual(['noFalseKill'])
    expect(told[1]).toContain('PKRS of CPU1 is fffffffc, although second has fffffff0')
    expect(told[2]).toContain('second is killed')
    expect(told[3]).toContain(
      'PKRS of CPU2 is fffffff0. third writes by its own mapping. That lands',
    )
  })
})

describe('pks-boot-order (W18)', () => {
  it('leaves CPU0 open in v7, and early threads wherever they run', () => {
    const { broken, told } = play(pksBootOrder)
    expect(broken).toEqual([...hurt, 'noOpenKeyLeft'])
    expect(told[2]).toContain('PKRS of CPU0 is 00000000, PKRS of CPU1 is 55555554')
    expect(told[4]).toContain(
      'moves to CPU1: PKRS of CPU1 is 00000000. Its stray write there lands',
    )
  })

  it('does not with a constant', () => {
    expect(play(pksBootOrder, { pks: 'v10', pksFault: 'strict' }).broken).toEqual([])
  })
})

describe('pks-nested-exception (W19)', () => {
  it('lets the first handler write in v10, strict or not', () => {
    const { broken, told } = play(pksNestedException, { pksFault: 'strict' })
    expect(broken).toEqual([...hurt, 'registerAgrees'])
    expect(told[3]).toContain('The write lands')
  })

  it('stops the machine in 2020, which is the promise', () => {
    const { broken, told } = play(pksNestedException, { pks: 'rfc2020' })
    expect(broken).toEqual([])
    expect(told[3]).toContain('a panic')
  })
})

describe('pks-four-options (§4.6)', () => {
  it.each([
    ['atomic', 'BUG: scheduling while atomic: sleeper/0x00000001', 'worker was killed before'],
    ['flags', 'all of about 230 calls change', 'worker is killed'],
    ['kmapGlobal', '20 to 30 calls', 'worker is killed'],
    ['kmapThread', 'about 209 calls', 'lands'],
  ])('%s: %s; a forgotten caller: %s', (kmapOption, first, last) => {
    const { told } = play(pksFourOptions, { kmapOption })
    expect(told[0]).toContain(first)
    expect(told[3]).toContain(last)
  })
})
