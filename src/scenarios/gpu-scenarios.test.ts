import { describe, expect, it } from 'vitest'
import { presets } from '../linux/presets'
import { aPageOnTheGpu } from './a-page-on-the-gpu'
import { openScenario } from './open'

/** Plays the whole story; which properties broke, what it tells, and where the unbind stood before the exit. */
function play(preset: string, policies: Readonly<Record<string, string>> = {}) {
  const opened = openScenario(aPageOnTheGpu, { preset, policies })
  if (typeof opened === 'string') throw new Error(opened)
  const { timeline, passages } = opened
  timeline.seek(passages[2]?.to ?? 0)
  const root = timeline.kernel.tasks.find(({ name }) => name === 'root shell')
  const unbind = timeline.kernel.machine.waiting(root?.id ?? 0)?.reason ?? 'done'
  expect(timeline.seek(Number.MAX_SAFE_INTEGER)).toBeUndefined()
  const broken = timeline
    .standings()
    .filter(({ since }) => since !== undefined)
    .map(({ invariant }) => invariant.name)
  const { kernel } = timeline
  const waits = kernel.tasks.rows().flatMap(({ id }) => kernel.machine.waiting(id)?.reason ?? [])
  return { broken, unbind, waits, told: passages.map(({ text }) => text) }
}

describe('a-page-on-the-gpu', () => {
  it.each(['v5.2', 'v5.12', 'v5.14'])('lets the unbind wait for the process in %s', (preset) => {
    const { broken, unbind, waits, told } = play(preset)
    expect(unbind).toBe('waits for pgmap->done: 1 reference is left; pages are in use by app')
    expect([broken, waits]).toEqual([['removeReturns'], []])
    expect(told[0]).toContain('_refcount 2, _mapcount 0')
    expect(told[2]).toContain('the pgmap is dying, ref 1')
    expect(told[4]).toContain('The pgmap is gone')
  })

  it.each(['v5.18', 'v6.0'])('pulls the page away in %s, and the exit oopses', (preset) => {
    const { broken, unbind, told } = play(preset)
    expect([unbind, broken]).toEqual(['done', ['handedOutMeansLive']])
    expect(told[0]).toContain('_refcount 1, _mapcount 0')
    expect(told[2]).toContain('The unbind is done, and waited for nothing')
    expect(told[3]).toContain('the kernel oopses')
  })

  it.each(['v6.1', 'v6.12', 'v6.17'])(
    'brings the page back before its memory goes in %s',
    (preset) => {
      const { broken, unbind, told } = play(preset)
      expect([unbind, broken]).toEqual(['done', []])
      expect(told[0]).toContain('the pgmap. The pgmap is live, ref 2')
      expect(told[1]).toContain('The read gives 0x53')
      expect(told[2]).toContain('the buffer is in ordinary page 0x1234')
      expect(told[2]).toContain('holds 0x53')
      expect(told[3]).toContain('Nothing of the device is left')
    },
  )

  it.each([
    ['v5.2', 'deduced'],
    ['v6.0', 'deduced'],
    ['v6.12', undefined],
  ])('says how sure what becomes of the page is in %s: %s', (preset, evidence) => {
    const opened = openScenario(aPageOnTheGpu, { preset })
    if (typeof opened === 'string') throw new Error(opened)
    const last = opened.passages.slice(2)
    expect(new Set(last.map((passage) => passage.evidence))).toEqual(new Set([evidence]))
    expect(aPageOnTheGpu.simplified.join()).toContain('lib/test_hmm.c, which is of 5.8')
  })

  it('waits in 6.12 where a driver does not evict', () => {
    const { unbind, broken } = play('v6.12', { deviceEvict: 'leave' })
    expect(unbind).toBe('waits for pgmap->done: 1 reference is left; pages are in use by app')
    expect(broken).toEqual(['removeReturns'])
  })

  const settings = presets.flatMap(({ name }) =>
    ['extra', 'reset', 'zero'].flatMap((devicePageCount) =>
      ['leave', 'evict'].map((deviceEvict) => ({ name, devicePageCount, deviceEvict })),
    ),
  )
  it.each(settings)(
    'is told in whole sentences: $name, $devicePageCount, $deviceEvict',
    (setting) => {
      const { name, ...policies } = setting
      const { told, broken } = play(name, policies)
      for (const text of told) expect(text).toMatch(/^[\s\S]{10,}\.$/)
      expect(told.join(' ')).not.toMatch(/undefined|NaN|nothing\b.*nothing/)
      expect(broken).not.toContain('conservation')
    },
  )
})
