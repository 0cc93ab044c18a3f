import type { Kernel } from '../linux/kernel'
import { bootBootMachine, runToLevel } from './boot-machine'
import { filesText, flagText, initcalls, isStatic, warnedText, works } from './boot-story'
import type { Scenario, Setup } from './scenario'

const DEVICE = '0000:01:00.0'
const WORKER = 'acpi_scan_clear_dep_fn'

function build(setup: Setup): Kernel {
  const k = bootBootMachine(setup, {
    hosts: [
      {
        name: 'pci0000:00',
        probe: 'dependency',
        worker: WORKER,
        devices: [{ name: DEVICE, bars: [{ number: 0, start: 0x4010000000, length: 0x100000 }] }],
      },
    ],
    admins: ['root shell'],
    processes: ['app'],
  })
  runToLevel(k, 'device')
  return k
}

/** §3.4 of the iomem sheet: the report on 6.12.14. */
export const sg2044Duplicate: Scenario = {
  name: 'sg2044-duplicate-resource0',
  title: 'SG2044 with ACPI: duplicate resource0',
  question:
    'On a RISC-V server with ACPI the host bridge is scanned by a worker. Why does 6.12.14 warn of a duplicate resource0?',
  preset: 'v6.12',
  policies: ['resourceFiles', 'resAttrStore'],
  params: {},
  simplified: [
    'The report has the worker, the late initcall and the warning. The device, its address, the level at which the worker is queued and this order of steps are examples.',
  ],
  build,
  story: [
    {
      title: 'A dependency is cleared.',
      text: 'The host bridge depended on another device, so level 4 left it alone. Now acpi_scan_clear_dep_fn() runs in a worker: it scans the bus, beside the initcalls.',
      acts: [initcalls('late'), works(WORKER, 'fixups')],
    },
    {
      title: 'Level 7.',
      text: (policies, k) =>
        isStatic(policies)
          ? `There is no late initcall. ${filesText(k, DEVICE)}.`
          : `pci_sysfs_init finds the device in the klist. ${flagText(k)}. ${filesText(k, DEVICE)}.`,
      acts: [initcalls('created')],
    },
    {
      title: 'The worker goes on.',
      text: (_policies, k) => `${warnedText(k)} ${filesText(k, DEVICE)}.`,
      acts: [works(WORKER), initcalls()],
    },
  ],
}
