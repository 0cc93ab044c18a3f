import { describe, expect, it } from 'vitest'
import { cxlManagedUnplug } from './cxl-managed-unplug'
import { cxlReplaced } from './cxl-replaced'
import { cxlSurpriseRemoval } from './cxl-surprise-removal'
import { openScenario } from './open'
import type { Scenario } from './scenario'

/** Plays the whole story; which properties broke, and what it tells. */
function play(scenario: Scenario, policies: Readonly<Record<string, string>> = {}) {
  const opened = openScenario(scenario, { policies })
  if (typeof opened === 'string') throw new Error(opened)
  expect(opened.timeline.seek(Number.MAX_SAFE_INTEGER)).toBeUndefined()
  const broken = opened.timeline
    .standings()
    .filter(({ since }) => since !== undefined)
    .map(({ invariant }) => invariant.name)
  const { kernel } = opened.timeline
  const waits = kernel.tasks.rows().map(({ id }) => kernel.machine.waiting(id)?.reason)
  expect(waits.filter((reason) => reason !== undefined)).toEqual([])
  return { broken, told: opened.passages.map(({ text }) => text) }
}

describe('cxl-managed-unplug', () => {
  it('breaks nothing, and puts the new region at the same address (W25)', () => {
    const { broken, told } = play(cxlManagedUnplug)
    expect(broken).toEqual([])
    expect(told.at(0)).toContain('the page moved to ordinary memory first')
    expect(told.at(1)).toContain('remove_memory() succeeds')
    expect(told.at(-1)).toContain('0x480000000 again')
    expect(told.at(-1)).toContain('reads 0x53')
  })

  it('waits for the registration up to 5.12 (L4)', () => {
    const { broken, told } = play(cxlManagedUnplug, { longtermMovable: 'allow' })
    expect(broken).toEqual(['offlineReturns', 'longtermPlacement'])
    expect(told.at(1)).toContain('memory144 does not go')
    expect(told.at(2)).toContain('the buffer is in ordinary memory')
    expect(told.at(-1)).toContain('reads 0x53')
  })
})

describe('cxl-surprise-removal (W26)', () => {
  it('gives all-ones, then a decode error, and leaks', () => {
    const { broken, told } = play(cxlSurpriseRemoval)
    expect(broken).toEqual(['noLoadFromNowhere', 'onlineMeansDecoded'])
    expect(told.at(0)).toContain('reads 0x53')
    expect(told.at(1)).toContain('reads 0xff, all-ones')
    expect(told.at(2)).toContain('no decoder claims the address')
    expect(told.at(3)).toContain('4 blocks of memory that is not there')
  })

  it('may be a machine check, and then nobody goes on with what is no data', () => {
    const { broken, told } = play(cxlSurpriseRemoval, { linkDown: 'machineCheck' })
    expect(broken).toEqual(['onlineMeansDecoded'])
    expect(told.at(1)).toContain('gets SIGBUS, BUS_MCEERR_AR')
  })

  it('leaks nothing where memory is failed first, which is an idea', () => {
    const { told } = play(cxlSurpriseRemoval, { kmemRemove: 'failMemory' })
    expect(told.at(3)).toContain('remove_memory() succeeded')
    expect(told.at(3)).toContain('gets SIGBUS')
    expect(told.at(4)).toContain('the next region may lie at the same addresses')
  })
})

describe('cxl-replaced', () => {
  it('shows nobody’s data while the addresses are leaked', () => {
    const { broken, told } = play(cxlReplaced)
    expect(broken).not.toContain('noPinWithoutPage')
    expect(told.at(2)).toContain('0x4a0000000, above the leaked range')
    expect(told.at(3)).toContain('reads 0xff')
    expect(told.at(4)).toContain('is told nothing')
  })

  it('shows the next tenant’s data where the memory was failed and removed', () => {
    const { broken, told } = play(cxlReplaced, { kmemRemove: 'failMemory' })
    expect(broken).toContain('noPinWithoutPage')
    expect(told.at(2)).toContain('0x480000000, where the old one was')
    expect(told.at(3)).toContain('reads 0x7e')
    expect(told.at(4)).toContain('SIGBUS, BUS_MCEERR_AR')
  })
})
