import { describe, expect, it } from 'vitest'
import { runToLevel } from '../../scenarios/boot-machine'
import { asyncHost, bootMachine } from '../../testing/boot-kernel'
import { explored } from '../../testing/explored'
import { DEVICE } from '../../testing/iomem-examples'

function exploreFrom(preset: string, policies: Readonly<Record<string, string>>) {
  const k = bootMachine({ hosts: [asyncHost(DEVICE)] }, { preset, policies })
  runToLevel(k.kernel, 'device')
  k.kernel.heap.arena.journal.length = 0
  const { states, broken } = explored(k.kernel)
  return { states, broken }
}

describe('every interleaving of the late levels with an asynchronous probe', () => {
  it.each([
    ['v6.12', {}, { states: 210, broken: { oneResourceFile: 18, bootComplete: 25 } }],
    ['v5.14', {}, { states: 227, broken: { oneResourceFile: 17, bootComplete: 26 } }],
    ['v6.12', { resourceFiles: 'flagAfterLoop' }, { states: 104, broken: { bootComplete: 22 } }],
    ['v6.12', { resourceFiles: 'mutex' }, { states: 173, broken: {} }],
    ['static-attrs', {}, { states: 33, broken: {} }],
  ] as const)('in %s with %j comes to %j', (preset, policies, found) => {
    expect(exploreFrom(preset, policies)).toEqual(found)
  })
})
