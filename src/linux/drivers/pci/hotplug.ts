import { int, ref } from '../../../arena'
import { nodesIn } from '../../fs/sysfs/dir'
import { bootOf, bootOperation, isLevelReached } from '../../init/boot-operation'
import type { Kernel } from '../../kernel'
import { operation } from '../../operation'
import { barsOf } from './bars'
import { pci_bus_add_device } from './bus'
import { pci_device_add } from './probe'
import { dropRescanLock, takeRescanLock } from './rescan-lock'
import { forgetAttrs, UNWIND, unwindNext } from './resource-attr'

const onDevice = (label: string, wanted: (k: Kernel, dev: number) => string | undefined) => ({
  label,
  on: ['pci_dev'],
  by: 'admin' as const,
  args: (k: Kernel, { id }: { id: number }) => ({ dev: k.pciDevs.at(id).id }),
  refuse: (k: Kernel, { dev }: { dev: number }) =>
    k.pciDevs.isLive(dev) ? wanted(k, dev) : 'There is no such device.',
})

const hostOf = (k: Kernel, dev: number) => k.pciHosts.at(k.pciDevs.at(dev).host)

/** A card is put into a slot, at boot or later: the same way in. */
export const board_added = bootOperation(
  operation({
    name: 'board_added',
    does: 'pciehp finds a card in the slot: it is scanned, and added as any other device.',
    source: { file: 'drivers/pci/hotplug/pciehp_ctrl.c', fn: 'board_added', version: '6.12' },
    leftOut: 'Power, the link, and the devices behind a switch on the card.',
    via: ['pciehp_enable_slot', 'pciehp_ist'],
    start: onDevice('Put the card in', (k, dev) => {
      if (hostOf(k, dev).listed === 0) return 'The bus above the slot is not there yet.'
      return k.pciDevs.at(dev).on_bus === 1 ? 'It is in its slot already.' : undefined
    }),
    params: { dev: ref('pci_dev') },
    entry: 'lock',
    steps: {
      lock: takeRescanLock('scan'),
      scan: {
        does: 'Scan the slot: there is a device.',
        fn: 'pci_scan_slot',
        run: (_k, t) => t.call(pci_device_add, { dev: t.dev }, 'add'),
      },
      add: {
        does: 'Add it.',
        fn: 'pci_bus_add_devices',
        run: (_k, t) => t.call(pci_bus_add_device, { dev: t.dev }, 'unlock'),
      },
      unlock: {
        does: 'Drop the lock.',
        fn: 'pci_unlock_rescan_remove',
        run(k, t) {
          dropRescanLock(k)
          return t.done(0)
        },
      },
    },
  }),
)

/** The last row of W13: where dangling pointers are followed. */
export const pci_stop_and_remove_bus_device = bootOperation(
  operation({
    name: 'pci_stop_and_remove_bus_device',
    does: 'Removes a device: echo 1 > remove.',
    source: { file: 'drivers/pci/remove.c', fn: 'pci_stop_and_remove_bus_device', version: '6.12' },
    leftOut: 'Devices below a bridge.',
    via: ['remove_store', 'kernfs_fop_write_iter', '__x64_sys_write'],
    start: onDevice('Remove it (echo 1 > remove)', (k, dev) => {
      if (!isLevelReached(k, 'rootfs')) return 'No shell runs before the initramfs is unpacked.'
      return k.pciDevs.at(dev).added === 1 ? undefined : 'It is not added.'
    }),
    params: { dev: ref('pci_dev') },
    locals: { bar: int() },
    entry: 'lock',
    steps: {
      lock: takeRescanLock('stop'),
      stop: {
        does: 'Clear PCI_DEV_ADDED, unbind the driver, remove the file in /proc.',
        fn: 'pci_stop_dev',
        run(k, t) {
          Object.assign(k.pciDevs.at(t.dev), { added: 0, stopping: 1, procent: 0 })
          const isDynamic = k.policy.resourceFiles !== 'static' && bootOf(k).sysfs_initialized === 1
          return isDynamic && barsOf(k, t.dev).length > 0 ? 'unwind' : 'destroy'
        },
      },
      unwind: {
        does: UNWIND,
        fn: 'pci_remove_resource_files',
        run(k, t) {
          return unwindNext(k, t) ? 'unwind' : 'destroy'
        },
      },
      destroy: {
        does: 'Remove its directory, take it out of the klist, and free struct pci_dev with its pointers.',
        fn: 'pci_destroy_dev',
        run(k, t) {
          for (const { id } of nodesIn(k, { dev: t.dev })) k.kernfsNodes.free(id)
          forgetAttrs(k, t.dev)
          Object.assign(k.pciDevs.at(t.dev), { on_bus: 0, klist: 0, stopping: 0 })
          dropRescanLock(k)
          return t.done(0)
        },
      },
    },
  }),
)
