import { describe, expect, it } from 'vitest'
import { catIomem } from '../../linux/fs/proc/iomem-read'
import { EBUSY } from '../../linux/include/errno'
import { IORESOURCE } from '../../linux/include/ioport'
import { listingIsOneTree } from '../../linux/invariants/listing-is-one-tree'
import { noLostWaiter } from '../../linux/invariants/no-lost-waiter'
import { oneOwner } from '../../linux/invariants/one-owner'
import { resourceTreeIsWhole } from '../../linux/invariants/resource-tree-is-whole'
import { __release_region, __request_region } from '../../linux/kernel/resource'
import { resourceWritable } from '../../linux/kernel/resource-lock'
import { release_resource, request_resource } from '../../linux/kernel/resource-tree'
import { operation } from '../../linux/operation'
import { iomemClaim } from '../../linux/policies/iomem-claim'
import { claims, maps } from '../../scenarios/iomem-story'
import type { Act } from '../../scenarios/scenario'
import { brokenIn, type Example, heldIn } from '../../testing/cells'
import { BAR, superio } from '../../testing/iomem-examples'
import { bootIomem, node } from '../../testing/iomem-kernel'
import { everyPreset, released } from '../../testing/kernel-ranges'

const { mem: MEM, busy: BUSY, muxed: MUXED } = IORESOURCE
const FIRST = { start: BAR.start, end: BAR.start + 0xfff }

const releases = (who: string, start: number, end: number): Act => ({
  who,
  operation: __release_region.name,
  args: () => ({ start, end }),
})

/** Two drivers want what overlaps. */
const drivers: Example = (preset, policies = {}) => {
  const bar = node('bar', BAR.start, BAR.end, MEM)
  const k = bootIomem(preset, [bar], { policies, users: [{ comm: 'T', pid: 1 }] })
  k.open('T', '/dev/mem')
  const acts = [
    claims('D', 'whole', BAR.start, BAR.end),
    releases('D', BAR.start, BAR.end),
    claims('D2', 'first page', FIRST.start, FIRST.end),
    releases('D2', FIRST.start, FIRST.end),
  ]
  return { kernel: k.kernel, acts }
}

/** The same, and a process maps it. */
const driversAndUser: Example = (preset, policies) => {
  const { kernel, acts } = drivers(preset, policies)
  return { kernel, acts: [...acts, maps('T', 'a', BAR.start / 4096, 1)] }
}

/** W21: a claim is given back that something was put below. */
const hub: Example = (preset) => {
  const k = bootIomem(preset, [], { users: [] })
  const { resources } = k.kernel
  k.claim('D', 0x90000000, 0x9000ffff, 'hub')
  const sub = resources.make({ name: 'sub', start: 0x90001000, end: 0x90001fff, flags: BUSY })
  request_resource(k.kernel, resources.at(k.resource('hub')), sub)
  return { kernel: k.kernel, acts: [releases('D', 0x90000000, 0x9000ffff)] }
}

/** Whoever made the node of a bus takes it away, as a bridge does that is removed. */
const removesBus = operation({
  name: 'removesBus',
  does: 'The owner of a node takes it out of the tree, and frees it.',
  source: { file: 'kernel/resource.c', fn: 'release_resource', version: '6.12' },
  leftOut: 'Who that is.',
  entry: 'release',
  steps: {
    release: {
      does: 'Under resource_lock take it out, unless somebody has something below it; then free it.',
      when: resourceWritable,
      run(k, t) {
        const bus = k.resources.find(({ name }) => name === 'bus')
        if (bus === undefined || bus.child !== 0) return t.done(-EBUSY)
        release_resource(k, bus)
        k.resources.free(bus.id)
        return t.done()
      },
    },
  },
})

/** RQ7: two want a range below a bus by turns; the bus goes when nobody has anything there. */
const shared: Example = (preset) => {
  const bus = node('bus', BAR.start, BAR.end, MEM)
  const admins = ['A', 'B', 'bridge']
  const k = bootIomem(preset, [bus], { users: [], admins, operations: [removesBus] })
  const { start, end } = FIRST
  const takes = (who: string): Act => ({
    who,
    operation: __request_region.name,
    args: () => ({ parent: 1, start, end, name: who, flags: MUXED }),
  })
  const goes: Act = { who: 'bridge', operation: removesBus.name }
  return { kernel: k.kernel, acts: [takes('A'), releases('A', start, end), takes('B'), goes] }
}

describe('I1, the tree is whole', () => {
  it('breaks where a claim that has children is released (W21)', () => {
    expect(brokenIn(resourceTreeIsWhole, hub, everyPreset)).toEqual([3])
  })

  it('breaks where who waited for a muxed region goes on below a parent that is gone (RQ7)', () => {
    expect(brokenIn(resourceTreeIsWhole, shared, ['v6.1', 'v6.12'])).toEqual([24, 25])
  })

  it('holds otherwise, in every preset', () => {
    expect(heldIn(resourceTreeIsWhole, drivers, everyPreset)).toEqual([147, 315])
    expect(heldIn(resourceTreeIsWhole, driversAndUser, ['v5.7', 'v6.12'])).toEqual([1696, 4146])
  })
})

describe('I2, one owner', () => {
  it('holds in every preset, and under every policy of the claim', () => {
    expect(heldIn(oneOwner, drivers, everyPreset)).toEqual([147, 315])
    const under = (value: string) =>
      heldIn(oneOwner, driversAndUser, ['v6.12'], { iomemClaim: value })
    expect(Object.keys(iomemClaim.values).flatMap(under)).toEqual([
      1696, 4146, 4146, 1794, 1317, 1029,
    ])
  })
})

describe('I3, no lost waiter', () => {
  it('breaks where a task says only after the unlock that it sleeps (W2)', () => {
    expect(brokenIn(noLostWaiter, superio('A', 'B'), released('v4.14', 'v6.8'))).toEqual([17])
  })

  it('holds in 6.12 and later, for two and for three', () => {
    expect(heldIn(noLostWaiter, superio('A', 'B'), released('v6.12'))).toEqual([226])
    expect(heldIn(noLostWaiter, superio('A', 'B', 'C'), ['v6.12'])).toEqual([9067])
  })
})

/** W3: somebody reads the tree of a, b and c, so many lines at a time, while it changes. */
const reading =
  (lines: number, change: Act): Example =>
  (preset) => {
    const tree = [node('b', 0x2000, 0x2fff, MEM), node('c', 0x3000, 0x3fff, MEM)]
    const k = bootIomem(preset, tree, { users: [] })
    k.claim('D', 0x1000, 0x1fff, 'a')
    const reads: Act = { who: 'cat', operation: catIomem.name, args: () => ({ lines }) }
    return { kernel: k.kernel, acts: [{ ...reads, who: 'D2' }, change] }
  }
const aGoes = releases('D', 0x1000, 0x1fff)
const zComes = claims('D', 'z', 0, 0xfff)

describe('I4, a listing is one tree', () => {
  it('breaks where a node goes, or comes, between two reads (W3)', () => {
    expect(brokenIn(listingIsOneTree, reading(2, aGoes), everyPreset)).toEqual([14])
    expect(brokenIn(listingIsOneTree, reading(2, zComes), ['v6.12'])).toEqual([20])
  })

  it('holds where one read takes all of it', () => {
    expect(heldIn(listingIsOneTree, reading(9, aGoes), everyPreset)).toEqual([50])
  })

  it('breaks even so where a node comes before the read that is to find the end', () => {
    expect(brokenIn(listingIsOneTree, reading(9, zComes), ['v6.12'])).toEqual([20])
  })
})
