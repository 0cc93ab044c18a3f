import { describe, expect, it } from 'vitest'
import { hotAddDuringBoot } from './hot-add-during-boot'
import { imx6CannotBoot } from './imx6-cannot-boot'
import { legacyFilesTooEarly } from './legacy-files-too-early'
import { openScenario } from './open'
import type { Scenario } from './scenario'
import { sg2044Duplicate } from './sg2044-duplicate-resource0'
import { theInitcallLoses, theWorkerLoses } from './two-creators'

/** Plays the whole story; which properties broke, what it tells, and what waits at its end. */
function play(scenario: Scenario, policies: Readonly<Record<string, string>> = {}) {
  const opened = openScenario(scenario, { policies })
  if (typeof opened === 'string') throw new Error(opened)
  expect(opened.timeline.seek(Number.MAX_SAFE_INTEGER)).toBeUndefined()
  const standings = opened.timeline.standings()
  const broken = standings.filter(({ since }) => since !== undefined)
  const { kernel } = opened.timeline
  const waiting = kernel.tasks.rows().flatMap(({ id }) => kernel.machine.waiting(id) ?? [])
  return {
    broken: broken.map(({ invariant }) => invariant.name),
    told: opened.passages.map(({ text }) => text),
    waits: waiting.map(({ reason }) => reason),
    level: kernel.boots.at(1).level,
  }
}

/** The variants under which no schedule breaks anything. */
const sound = ['mutex', 'static'] as const
const races = [theWorkerLoses, theInitcallLoses, hotAddDuringBoot, imx6CannotBoot, sg2044Duplicate]

describe('the boot race', () => {
  it('leaves no file, and a pointer to freed memory, where the worker loses (W13)', () => {
    const { broken, told, waits, level } = play(theWorkerLoses)
    expect([broken, waits, level]).toEqual([['oneResourceFile', 'bootComplete'], [], 'run'])
    expect(told.at(0)).toContain('0000:01:00.0 has no resource0')
    expect(told.at(1)).toContain('sysfs_initialized is 1. 0000:01:00.0 has resource0.')
    expect(told.at(2)).toContain('res_attr[0] points to memory that was freed. Creating failed')
    expect(told.at(3)).toContain('0001:01:00.0 has resource0.')
    expect(told.at(3)).toContain('Nobody creates what is missing')
  })

  it('serves no later device where the initcall loses (W13b)', () => {
    const { broken, told, level } = play(theInitcallLoses)
    expect([broken, level]).toEqual([['oneResourceFile', 'bootComplete'], 'run'])
    expect(told.at(1)).toContain('0000:01:00.0 has resource0.')
    expect(told.at(2)).toContain('An error ends the initcall: 0001:01:00.0')
    expect(told.at(3)).toContain('0001:01:00.0 has no resource0.')
  })

  it('creates nothing, and warns of nothing, where the flag is set behind the loop (S4)', () => {
    for (const scenario of [theWorkerLoses, theInitcallLoses]) {
      const { broken, told } = play(scenario, { resourceFiles: 'flagAfterLoop' })
      expect(broken).toEqual(['bootComplete'])
      expect(told.at(3)).toContain('0000:01:00.0 has no resource0. 0001:01:00.0 has resource0.')
      expect(told.at(3)).toContain('The log is silent.')
    }
  })

  it('frees twice where the pointer is stored first', () => {
    const { told } = play(theWorkerLoses, { resAttrStore: 'beforeCreate' })
    expect(told.at(2)).toContain('freed twice')
  })

  it.each(races.map((scenario) => [scenario.name, scenario] as const))(
    'does not come up in %s under a mutex, or with static attributes',
    (_, scenario) => {
      for (const resourceFiles of sound)
        for (const resAttrStore of ['beforeCreate', 'afterCreate']) {
          const { broken, told, waits, level } = play(scenario, { resourceFiles, resAttrStore })
          expect([broken, waits, level]).toEqual([[], [], 'run'])
          expect(told.join(' ')).not.toContain('cannot create duplicate')
        }
    },
  )
})

describe('a card that is put in during boot', () => {
  it('has no file, and its removal frees memory twice', () => {
    const { broken, told } = play(hotAddDuringBoot)
    expect(broken).toEqual(['oneResourceFile', 'bootComplete'])
    expect(told.at(2)).toBe('0000:03:00.0 has resource0.')
    expect(told.at(3)).toContain('0000:03:00.0 has no resource0, and res_attr[0] points to memory')
    expect(told.at(4)).toContain('freed a second time')
  })

  it('is passed over, and served by pciehp, where the flag is set behind the loop', () => {
    const { broken, told } = play(hotAddDuringBoot, { resourceFiles: 'flagAfterLoop' })
    expect(broken).toEqual([])
    expect(told.at(2)).toContain('passed over. 0000:03:00.0 has no resource0.')
    expect(told.at(3)).toContain('0000:03:00.0 has resource0.')
  })
})

describe('what was reported', () => {
  it('i.MX6, 2021: a name where a pointer should be', () => {
    const { broken, told } = play(imx6CannotBoot)
    expect(broken).toEqual(['oneResourceFile', 'bootComplete'])
    expect(told.at(2)).toContain('freed the attribute again')
    expect(told.at(3)).toContain('0x6f736572')
    const letters = [0x72, 0x65, 0x73, 0x6f].map((byte) => String.fromCharCode(byte)).join('')
    expect(letters).toBe('reso')
    expect(play(imx6CannotBoot, { resAttrStore: 'afterCreate' }).told.at(2)).toContain(
      'From 6.2 on',
    )
  })

  it('SG2044, 6.12.14: a duplicate resource0', () => {
    const { broken, told } = play(sg2044Duplicate)
    expect(broken).toEqual(['oneResourceFile', 'bootComplete'])
    expect(told.at(2)).toContain('cannot create duplicate filename')
  })

  it('pSeries, linux-next of January 2021: a panic at level 4 (W12)', () => {
    const { broken, told, waits, level } = play(legacyFilesTooEarly)
    expect([broken, level]).toEqual([['mappingReady'], 'subsys'])
    expect(told.at(0)).toContain('a load from 0x30')
    expect(waits).toEqual(['spins at the end of panic(), which never returns'])
  })

  it.each([
    { legacyFiles: 'gated' },
    { sysfsMapping: 'atOpen' },
    { sysfsMapping: 'none' },
    { resourceFiles: 'static', sysfsMapping: 'atOpen' },
  ])('pSeries boots with %j', (policies) => {
    const { broken, told, waits, level } = play(legacyFilesTooEarly, policies)
    expect([broken, waits, level]).toEqual([[], [], 'run'])
    expect(told.at(2)).toContain('legacy_io and legacy_mem are there')
  })
})
