import { describe, expect, it } from 'vitest'
import type { BootMachine } from '../../scenarios/boot-machine'
import { runToLevel } from '../../scenarios/boot-machine'
import { barSeeds, bootMachine } from '../../testing/boot-kernel'
import { explored } from '../../testing/explored'

/** A host bridge whose probe runs beside the initcalls, with one device behind it. */
const machine: BootMachine = {
  hosts: [
    {
      name: 'pci0000:00',
      probe: 'async',
      worker: 'kworker/u8:1',
      devices: [{ name: '0000:01:00.0', bars: barSeeds(1) }],
    },
  ],
}

function exploreFrom(preset: string, policies: Readonly<Record<string, string>>) {
  const k = bootMachine(machine, { preset, policies })
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
