import { IORESOURCE } from '../linux/include/ioport'
import { __request_region, release_region } from '../linux/kernel/resource'
import type { DeviceSeed } from '../scenarios/boot-machine'
import type { Act } from '../scenarios/scenario'
import { asyncHost, barSeeds, bootMachine } from './boot-kernel'
import type { Example } from './cells'
import { bootIomem, node } from './iomem-kernel'

/** The BAR that drivers claim and users map, and its first page. */
export const BAR = { start: 0xfe000000, end: 0xfe0fffff }
export const bar = node('0000:01:00.0', BAR.start, BAR.end, IORESOURCE.mem)
export const E = BAR.start / 4096

/** W2: drivers share the port of a Super-I/O chip by turns. */
export const superio =
  (...admins: readonly string[]): Example =>
  (preset) => {
    const k = bootIomem(preset, [], { users: [], admins })
    const range = { start: 0x2e, end: 0x2f }
    const acts = admins.flatMap((who): Act[] => [
      {
        who,
        operation: __request_region.name,
        args: ({ globals }) => ({
          parent: globals.ioport_resource,
          ...range,
          name: who,
          flags: IORESOURCE.muxed,
        }),
      },
      { who, operation: release_region.name, args: () => range },
    ])
    return { kernel: k.kernel, acts }
  }

/** The device that a boot finds. */
export const DEVICE = { name: '0000:01:00.0', bars: barSeeds(1) }

/** W13, W13b, S4: the late initcall, and the probe of a host bridge beside it. */
export const twoCreators =
  (...devices: readonly DeviceSeed[]): Example =>
  (preset, policies = {}) => ({
    kernel: bootMachine({ hosts: [asyncHost(...devices)] }, { preset, policies }).kernel,
    acts: [],
  })

/** Creators of resource files exclude each other. */
export const MUTEX = { resourceFiles: 'mutex' }
