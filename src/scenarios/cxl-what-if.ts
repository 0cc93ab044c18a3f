import { bootCxlMachine } from './cxl-machine'
import type { CxlTopology, RegionSeed } from './cxl-topology'
import type { Scenario } from './scenario'

/** "What if" on a machine with CXL: its regions decode and are used as they were; nothing is done yet. */
export const cxlWhatIf = (
  topology: CxlTopology,
  regions: readonly RegionSeed[],
  leftOut: readonly string[],
): Scenario => ({
  name: 'cxl-machine',
  title: 'An imported machine with CXL',
  question:
    'What if a card of this machine is pulled? Offline its memory, disable its region, or just pull it; then put another one in.',
  preset: 'v6.12',
  policies: ['kmemRemove', 'linkDown', 'longtermMovable'],
  params: {},
  simplified: [
    'Beside its CXL memory the machine has one gigabyte of ordinary memory.',
    'Regions are made again in the order of their addresses, each at the lowest gap that its window has free.',
    'What a load gets when the link is down is from memory.',
    ...leftOut,
  ],
  story: [],
  build: (setup) =>
    bootCxlMachine(setup, {
      processes: [{ comm: 'app', pid: 4242 }],
      admins: ['root shell', 'pciehp'],
      topology,
      regions,
    }),
})
