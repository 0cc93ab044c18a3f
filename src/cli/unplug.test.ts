import { describe, expect, it } from 'vitest'
import type { Kernel } from '../linux/kernel'
import { removals } from './bench-unplug'
import { bootMappedDevice, unbind } from './mapped-device'

const GIB = 262_144

describe('the removal of 16 TiB that three processes map', () => {
  it.each(removals().map((each) => [each.mode, each.by, each.policy, each] as const))(
    'takes the steps of 1 GiB: %s by %s under %s',
    (_mode, _by, _policy, { boot, remove }) => {
      const steps = remove(boot(GIB))
      expect(remove(boot(16_384 * GIB))).toBe(steps)
      expect(steps).toBeLessThan(50)
    },
  )

  it.each(['massFailure', 'holder', 'preRemove'])(
    'costs what its runs cost: %s',
    (removeNotify) => {
      const policies = { rmapbt: 'on', removeNotify }
      const steps = (runs: number) =>
        unbind(bootMappedDevice({ pages: 16_384 * GIB, by: 'pmd', runs, policies }))
      expect(steps(100) - steps(50)).toBe(5 * (steps(20) - steps(10)))
    },
  )
})

describe('W19: what the series of 2021 costs', () => {
  /** Runs the unbind up to where every page has been reported; how many calls that took. */
  const calls = (k: Kernel): unknown => {
    const task = k.tasks.find(({ role }) => role === 'admin')?.id ?? 0
    const operation = k.machine.operations.find(({ name }) => name === '__device_release_driver')
    k.machine.start(task, operation as never, { device: 1 })
    while (k.machine.stepName(task) !== 'pmem_pagemap_kill.failed') k.machine.step(task)
    return k.machine.frames(task)[0]?.locals['calls']
  }

  it.each([1, 16_384])('makes 262144 calls for each GiB: %i GiB', (gib) => {
    const policies = { removeNotify: 'massFailure' }
    const k = bootMappedDevice({ pages: gib * GIB, by: 'pte', policies })
    expect(calls(k)).toBe(gib * 262_144)
    expect(k.globals.num_poisoned_pages).toBe(gib * GIB - 1024)
  })
})
