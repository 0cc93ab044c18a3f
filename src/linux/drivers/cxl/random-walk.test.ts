import { describe, expect, it } from 'vitest'
import { Timeline } from '../../../machine'
import { bootCxlMachine, seedPageAt } from '../../../scenarios/cxl-machine'
import { defaultSetup } from '../../../scenarios/open'
import { Dice } from '../../../testing/random-walk'
import type { Kernel } from '../../kernel'

type Args = Readonly<Record<string, number | string>>

function boot(dice: Dice): Kernel {
  const policies = {
    ...defaultSetup.policies,
    kmemRemove: dice.pick(['leak', 'failMemory']),
    linkDown: dice.pick(['allOnes', 'machineCheck']),
    longtermMovable: dice.pick(['allow', 'migrate']),
  }
  const region = dice.pick([
    'online_movable',
    'online_kernel',
    'offline',
    'devdax',
    'none',
  ] as const)
  const k = bootCxlMachine(
    { ...defaultSetup, policies },
    {
      processes: [{ comm: 'A', pid: 1 }],
      admins: ['shell', 'shell 2', 'pciehp'],
      devices: ['mlx5_0'],
      region,
    },
  )
  const pfn = region.startsWith('online') ? 0x480500 : 0x12345
  seedPageAt(k, 'A', { pfn, value: 0x53 })
  k.heap.arena.journal.length = 0
  return k
}

const someAct = (k: Kernel, dice: Dice): readonly [string, Args] => {
  const vpn = k.vmas.at(1).vm_start
  const region = dice.below(4)
  const memdev = dice.below(3)
  const dax = dice.below(4)
  const bit = () => dice.below(2)
  const block = 144 + dice.below(9)
  return dice.pick<readonly [string, Args]>([
    ['userLoad', { vpn, value: 0, offset: 0 }],
    ['userStore', { vpn, value: dice.below(9), offset: 0 }],
    ['pin_user_pages_fast', { start: vpn, pages: 1, write: 1, longterm: bit(), force: 0 }],
    ['unpin_user_pages', { handle: 1 + dice.below(3) }],
    ['dmaRead', { handle: 1, page: 0 }],
    ['dmaWrite', { handle: 1, page: 0, value: 3 }],
    ['state_store', { block, state: dice.pick(['offline', 'online_movable', 'online_kernel']) }],
    ['state_store', { block, state: 'offline' }],
    ['do_send_sig_info', { target: 1 + dice.below(5), signal: 'SIGINT' }],
    ['create_region', { root: 1, ways: dice.pick([1, 2, 3]), granularity: 4096, size: 0x20000000 }],
    ['cxl_region_attach', { region, memdev, pos: dice.below(3) }],
    ['commit_store', { region, commit: bit() }],
    ['cxl_region_probe', { region, devdax: bit() }],
    ['device_release_region', { region }],
    ['delete_region', { region }],
    ['dev_dax_probe', { dax, devdax: bit() }],
    ['dax_bus_remove', { dax }],
    ['pullCable', { memdev }],
    ['pciehp_unconfigure_device', { memdev }],
    ['pciehp_configure_device', { memdev, page: dice.below(9), value: 7 }],
    ['cxlDisableRegion', { region, force: bit() }],
  ])
}

/** What holds whatever an administrator does; a pin may lose its page, and then nothing adds up. */
const ALWAYS = ['claimsNeverOverlap', 'mapcountCountsEntries', 'freeMeansUnreferenced']

describe('any schedule of CXL memory', () => {
  it.each(Array.from({ length: 60 }, (_, seed) => seed))('number %i', (seed) => {
    const dice = new Dice(seed * 7919 + 1)
    const k = boot(dice)
    const before = k.heap.arena.hash
    const timeline = new Timeline(k)
    for (let i = 0; i < 60; i++) {
      const task = 1 + dice.below(k.tasks.capacity)
      const [operation, args] = someAct(k, dice)
      timeline.take({ kind: 'start', task, operation, args })
      const steps = dice.pick([1, 3, 40])
      for (let n = 0; n < steps; n++)
        if (timeline.take({ kind: 'step', task, choice: 0 }) !== undefined) break
    }
    const broken = timeline
      .standings()
      .filter(({ invariant, since }) => since !== undefined && ALWAYS.includes(invariant.name))
    expect(
      broken.map(({ invariant, finding }) => `${invariant.name}: ${finding?.says ?? 'earlier'}`),
    ).toEqual([])
    timeline.seek(0)
    expect(k.heap.arena.hash).toBe(before)
  })
})
