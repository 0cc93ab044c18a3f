import { int, ref } from '../../../arena'
import { bootOf, bootOperation } from '../../init/boot-operation'
import type { Kernel } from '../../kernel'
import { operation } from '../../operation'
import { nextLegacyBus, pci_create_legacy_files } from './legacy-files'
import { creatorOf } from './resource-files'

/** for_each_pci_dev(): the device behind a place in the klist. One that comes at the tail is found. */
const nextInKlist = (k: Kernel, klist: number) =>
  k.pciDevs
    .rows()
    .filter((dev) => dev.klist > klist)
    .sort((a, b) => a.klist - b.klist)[0]

/** L of the iomem sheet, §3.2. */
export const pci_sysfs_init = bootOperation(
  operation({
    name: 'pci_sysfs_init',
    does: 'A late initcall: creates the resource files of every device that is in the klist.',
    source: { file: 'drivers/pci/pci-sysfs.c', fn: 'pci_sysfs_init', version: '6.12' },
    leftOut: 'The reference that is held of the device under the loop.',
    via: ['do_one_initcall', 'do_initcalls'],
    locals: { dev: ref('pci_dev'), klist: int(), bus: int() },
    entry: 'set_flag',
    steps: {
      set_flag: {
        does: 'sysfs_initialized := 1, unless that is moved behind the loop: from here on pci_bus_add_device() creates files as well.',
        run(k) {
          if (k.policy.resourceFiles !== 'flagAfterLoop') bootOf(k).sysfs_initialized = 1
          return 'next'
        },
      },
      next: {
        does: 'Take the next device of the klist. Behind the last one the loop is over.',
        fn: 'pci_get_device',
        run(k, t) {
          const dev = nextInKlist(k, t.klist)
          if (dev !== undefined) {
            t.dev = dev.id
            t.klist = dev.klist
            if (k.policy.resourceFiles === 'flagAfterLoop') return 'test_added'
            return t.call(creatorOf(k), { dev: dev.id }, 'created')
          }
          bootOf(k).sysfs_initialized = 1
          return nextLegacyBus(k, 0) === undefined ? t.done(0) : 'legacy'
        },
      },
      test_added: {
        does: 'The proposal: only a device that pci_bus_add_device() is done with is taken.',
        fn: 'pci_dev_is_added',
        run(k, t) {
          if (k.pciDevs.at(t.dev).added === 0) return 'next'
          return t.call(creatorOf(k), { dev: t.dev }, 'created')
        },
      },
      created: {
        does: 'An error ends the initcall here: all later devices are left without.',
        run: (_k, t) => (t.ret < 0 ? t.done(t.ret) : 'next'),
      },
      legacy: {
        does: 'Create legacy_io and legacy_mem of the next bus.',
        fn: 'pci_create_legacy_files',
        run(k, t) {
          const host = nextLegacyBus(k, t.bus)
          if (host !== undefined && !pci_create_legacy_files(k, t.task, host)) return 'legacy'
          t.bus = host?.id ?? t.bus
          return nextLegacyBus(k, t.bus) === undefined ? t.done(0) : 'legacy'
        },
      },
    },
  }),
)
