import type { Kernel } from '../linux/kernel'
import { bootBootMachine, runToLevel } from './boot-machine'
import { filesText, initcalls, isStatic, warnedText, warnings, works } from './boot-story'
import type { Scenario, Setup } from './scenario'

const DEVICE = '0000:01:00.0'
const WORKER = 'kworker/u8:1'

function build(setup: Setup): Kernel {
  const k = bootBootMachine(setup, {
    hosts: [
      {
        name: 'pci0000:00',
        probe: 'async',
        worker: WORKER,
        devices: [{ name: DEVICE, bars: [{ number: 0, start: 0x1100000, length: 0x4000 }] }],
      },
    ],
    admins: ['root shell'],
    processes: ['app'],
  })
  runToLevel(k, 'device')
  return k
}

const isFreedTwice = (k: Kernel): boolean => k.binAttributes.rows().some(({ frees }) => frees > 1)

/** §3.4 of the iomem sheet: the report of 2021. */
export const imx6CannotBoot: Scenario = {
  name: 'imx6-cannot-boot',
  title: 'i.MX6, 2021: cannot boot',
  question:
    'A board stops at boot with a duplicate filename of garbage, and a paging request at 0x6f736572. Where does that address come from?',
  preset: 'v5.12',
  policies: ['resourceFiles', 'resAttrStore'],
  params: {},
  simplified: [
    'The report has an asynchronous probe worker, the two messages and the address. The device, its addresses and this order of steps are examples.',
    'Memory that was freed is not used again here; in the report it was.',
  ],
  build,
  story: [
    {
      title: 'The host bridge is probed by a worker.',
      text: (_policies, k) => `${DEVICE} is in the klist. ${filesText(k, DEVICE)}.`,
      acts: [initcalls('late'), works(WORKER, 'fixups')],
    },
    {
      title: 'Level 7.',
      text: (policies, k) =>
        isStatic(policies)
          ? 'There is no late initcall.'
          : `The late initcall has come to the device: ${filesText(k, DEVICE)}.`,
      acts: [initcalls('created')],
    },
    {
      title: 'The worker goes on.',
      text: (policies, k) => {
        const files = `${warnedText(k)} ${filesText(k, DEVICE)}.`
        if (isFreedTwice(k))
          return `${files} Before 6.2 the worker stored its pointer first, over that of the initcall. Its file could not be created, so it freed its attribute; the unwinding followed the pointer, removed the file of the name, and freed the attribute again. The attribute of the initcall is lost.`
        return warnings(k) > 0 && policies['resAttrStore'] === 'afterCreate'
          ? `${files} From 6.2 on the pointer is stored last: nothing is freed twice yet.`
          : files
      },
      acts: [works(WORKER, 'proc')],
    },
    {
      title: 'What the report shows.',
      text: (_policies, k) =>
        isFreedTwice(k)
          ? 'The name of an attribute lies in the same allocation as the attribute. Once that memory is used again a name is garbage, and where a pointer should be there may be a name: 0x6f736572 is, byte by byte, “reso”, the beginning of resource0.'
          : `The double free does not happen in this order. ${filesText(k, DEVICE)}.`,
      acts: [works(WORKER), initcalls()],
    },
  ],
}
