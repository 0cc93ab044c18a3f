import { describe, expect, it } from 'vitest'
import { explore } from '../../checker/explore'
import type { BootMachine } from '../../scenarios/boot-machine'
import { runToLevel } from '../../scenarios/boot-machine'
import { barSeeds, bootMachine } from '../../testing/boot-kernel'

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
  const { states, broken, complete } = explore(k.kernel)
  return { states, broken: broken?.property, depth: broken?.depth, complete }
}

describe('every interleaving of the late levels with an asynchronous probe', () => {
  it.each([
    ['v6.12', {}, { states: 210, broken: 'oneResourceFile', depth: 18 }],
    ['v5.14', {}, { states: 227, broken: 'oneResourceFile', depth: 17 }],
    [
      'v6.12',
      { resourceFiles: 'flagAfterLoop' },
      { states: 104, broken: 'bootComplete', depth: 22 },
    ],
    ['v6.12', { resourceFiles: 'mutex' }, { states: 173, broken: undefined, depth: undefined }],
    ['static-attrs', {}, { states: 33, broken: undefined, depth: undefined }],
  ] as const)('in %s with %j comes to %j', (preset, policies, found) => {
    expect(exploreFrom(preset, policies)).toEqual({ ...found, complete: true })
  })
})
