import type { Kernel } from '../linux/kernel'
import { type BootMachine, bootBootMachine, runToLevel } from './boot-machine'
import { filesText, flagText, hasFile, initcalls, isStatic, warnedText, works } from './boot-story'
import type { Beat, Scenario, Setup } from './scenario'

const FIRST = '0000:01:00.0'
const SECOND = '0001:01:00.0'
const WORKER = 'kworker/u8:1'
const OTHER = 'kworker/u8:2'

const device = (name: string, start: number) => ({
  name,
  bars: [{ number: 0, start, length: 0x100000 }],
})

/** Two host bridges that are probed asynchronously, each with one device. */
const machine: BootMachine = {
  hosts: [
    { name: 'pci0000:00', probe: 'async', worker: WORKER, devices: [device(FIRST, 0xfe000000)] },
    { name: 'pci0001:00', probe: 'async', worker: OTHER, devices: [device(SECOND, 0xfc000000)] },
  ],
  admins: ['root shell'],
  processes: ['app'],
}

function build(setup: Setup): Kernel {
  const k = bootBootMachine(setup, machine)
  runToLevel(k, 'device')
  return k
}

const beginning: Beat = {
  title: 'Level 6: host bridges are probed beside the initcalls.',
  text: (policies, k) =>
    `Both probes are queued for workers, and the initcalls go on. ${OTHER} is done: ${SECOND} is added. ${isStatic(policies) ? 'Its file was created inside device_add().' : `It met a gate that was closed, sysfs_initialized 0: the late initcall will do it.`} ${WORKER} has scanned its bus: ${FIRST} is in the klist, where everybody finds it. ${filesText(k, FIRST)}.`,
  acts: [initcalls('late'), works(WORKER, 'lock'), works(OTHER)],
}

const end: Beat = {
  title: 'User space runs.',
  text: (_policies, k) =>
    `${filesText(k, FIRST)}. ${filesText(k, SECOND)}. ${warnedText(k)} ${
      hasFile(k, FIRST) && hasFile(k, SECOND)
        ? 'Every device has what it should have.'
        : 'Nobody creates what is missing: the boot has succeeded.'
    }`,
  acts: [works(WORKER), initcalls()],
}

const shared = {
  preset: 'v6.12',
  policies: ['resourceFiles', 'resAttrStore'],
  params: {},
  simplified: [
    'The devices are behind root buses, and have one BAR each.',
    'Memory that was freed is not used again: what a freed attribute holds stays readable.',
  ],
  build,
}

/** W13 of the iomem sheet. */
export const theWorkerLoses: Scenario = {
  ...shared,
  name: 'two-creators-the-worker-loses',
  title: 'Two creators: the worker loses',
  question:
    'A late initcall and an asynchronous probe both create the resource files of one device. What is left?',
  story: [
    beginning,
    {
      title: 'Level 7.',
      text: (policies, k) =>
        isStatic(policies)
          ? 'There is no late initcall. Pid 1 waits for the asynchronous probes.'
          : `pci_sysfs_init walks the klist. ${flagText(k)}. ${filesText(k, FIRST)}.`,
      acts: [initcalls('created')],
    },
    {
      title: 'The worker adds the device.',
      text: (policies, k) =>
        isStatic(policies)
          ? 'There is no gate: pci_bus_add_device() has nothing to create.'
          : `${flagText(k)}. ${warnedText(k)} ${filesText(k, FIRST)}. ${
              hasFile(k, FIRST)
                ? ''
                : policies['resourceFiles'] === 'flagAfterLoop'
                  ? 'The initcall passed the device over, as not added, and the worker met a closed gate.'
                  : 'Creating failed, because the name was taken; and the unwinding went by the name, so it deleted the file of the other.'
            }`.trim(),
      acts: [works(WORKER, 'proc')],
    },
    end,
  ],
}

/** W13b of the iomem sheet; with the flag behind the loop, S4. */
export const theInitcallLoses: Scenario = {
  ...shared,
  name: 'two-creators-the-initcall-loses',
  title: 'Two creators: the initcall loses',
  question:
    'The asynchronous probe creates the files of a device just before the late initcall does. Who else loses?',
  story: [
    beginning,
    {
      title: 'Level 7, and the worker adds the device.',
      text: (policies, k) =>
        isStatic(policies)
          ? 'There is no late initcall, and no gate.'
          : `${flagText(k)}. ${filesText(k, FIRST)}.`,
      acts: [initcalls('next'), works(WORKER, 'proc')],
    },
    {
      title: 'Pid 1 goes on.',
      text: (policies, k) =>
        isStatic(policies)
          ? 'It waits for the asynchronous probes.'
          : `The initcall has come to the same device. ${warnedText(k)} ${filesText(k, FIRST)}. ${
              hasFile(k, SECOND)
                ? `It went on to ${SECOND}, and is done.`
                : `An error ends the initcall: ${SECOND}, which had been added while the gate was closed, is never visited.`
            }`,
      acts: [initcalls('synchronize')],
    },
    end,
  ],
}
