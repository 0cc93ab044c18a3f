import { ref } from '../../../arena'
import { bootOf, bootOperation } from '../../init/boot-operation'
import { operation } from '../../operation'
import { creatorOf } from './resource-files'

/** B of the iomem sheet, §3.2. */
export const pci_bus_add_device = bootOperation(
  operation({
    name: 'pci_bus_add_device',
    does: 'The last act of adding a device: its files, and its driver.',
    source: { file: 'drivers/pci/bus.c', fn: 'pci_bus_add_device', version: '6.12' },
    leftOut: 'Runtime power management, device links and device tree nodes.',
    params: { dev: ref('pci_dev') },
    entry: 'fixups',
    steps: {
      fixups: {
        does: 'Apply the final quirks.',
        fn: 'pci_fixup_device',
        run: () => 'gate',
      },
      gate: {
        does: 'Look at sysfs_initialized. While it is 0 the answer is -EACCES, which is ignored: the late initcall will do it.',
        fn: 'pci_create_sysfs_dev_files',
        run(k, t) {
          if (k.policy.resourceFiles === 'static' || bootOf(k).sysfs_initialized === 0)
            return 'proc'
          return t.call(creatorOf(k), { dev: t.dev }, 'proc')
        },
      },
      proc: {
        does: 'Make its file in /proc/bus/pci, unless it has one. An error of the resource files is ignored.',
        fn: 'pci_proc_attach_device',
        run(k, t) {
          k.pciDevs.at(t.dev).procent = 1
          return 'driver'
        },
      },
      driver: {
        does: 'Let a driver bind.',
        fn: 'device_attach',
        run: () => 'added',
      },
      added: {
        does: 'Set PCI_DEV_ADDED.',
        fn: 'pci_dev_assign_added',
        run(k, t) {
          k.pciDevs.at(t.dev).added = 1
          return t.done(0)
        },
      },
    },
  }),
)
