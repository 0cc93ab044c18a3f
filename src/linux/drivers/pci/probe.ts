import { ref } from '../../../arena'
import { sysfs_create_bin_file } from '../../fs/sysfs/file'
import { bootOf, bootOperation } from '../../init/boot-operation'
import type { Kernel } from '../../kernel'
import { operation } from '../../operation'
import { insiders } from '../../wait-holders'
import { resourceFilesOf } from './bars'
import { pci_bus_add_device } from './bus'
import { pci_create_legacy_files } from './legacy-files'
import { dropRescanLock, takeRescanLock } from './rescan-lock'
import { allocAttr } from './resource-attr'

/** A static attribute is one for all devices, and was there before the kernel began. */
function staticAttr(k: Kernel, task: ReturnType<Kernel['tasks']['at']>, name: string) {
  const known = k.binAttributes.find((attr) => attr.name === name && attr.dev === 0)
  return known ?? allocAttr(k, task, name, 0)
}

/** §3.1 of the iomem sheet, level 4. */
export const pci_device_add = bootOperation(
  operation({
    name: 'pci_device_add',
    does: 'Makes a device known: on its bus, in sysfs, and then to everybody who walks the devices of the PCI bus.',
    source: { file: 'drivers/pci/probe.c', fn: 'pci_device_add', version: '6.12' },
    leftOut: 'Config space, capabilities, and the static files besides those of the BARs.',
    params: { dev: ref('pci_dev') },
    entry: 'on_bus',
    steps: {
      on_bus: {
        does: 'The device is on bus->devices.',
        run(k, t) {
          k.pciDevs.at(t.dev).on_bus = 1
          return 'attributes'
        },
      },
      attributes: {
        does: 'Create its static attributes. The files of the BARs are among them only with the series of 2026.',
        fn: 'device_add_attrs',
        run(k, t) {
          if (k.policy.resourceFiles !== 'static') return 'klist'
          for (const { name } of resourceFilesOf(k, t.dev)) {
            const attr = staticAttr(k, t.task, name)
            if (attr === 'oops') return 'attributes'
            if (attr !== 'ENOMEM') sysfs_create_bin_file(k, { dev: t.dev }, attr)
          }
          return 'klist'
        },
      },
      klist: {
        does: 'Into the klist of the bus: for_each_pci_dev() finds it from here on.',
        fn: 'bus_add_device',
        run(k, t) {
          const boot = bootOf(k)
          boot.klist += 1
          k.pciDevs.at(t.dev).klist = boot.klist
          return t.done(0)
        },
      },
    },
  }),
)

type Dev = ReturnType<Kernel['pciDevs']['at']>

const deviceOf = (k: Kernel, host: number, test: (dev: Dev) => boolean): Dev | undefined =>
  k.pciDevs.rows().find((dev) => dev.host === host && dev.hotplug === 0 && test(dev))

/** Enumeration behind one host bridge: by an initcall, or by a worker that runs beside them. */
export const pci_host_probe = bootOperation(
  operation({
    name: 'pci_host_probe',
    does: 'Registers a host bridge, scans its bus, and adds the devices that are there.',
    source: {
      file: 'drivers/pci/probe.c',
      fn: 'pci_host_probe',
      version: '6.12',
      note: 'acpi_pci_root_add() and pcibios_init() of powerpc call the same functions in the same order.',
    },
    leftOut: 'Assigning resources, bridges below the root bus, and their settings.',
    params: { host: ref('pci_host_bridge') },
    entry: 'register',
    steps: {
      register: {
        does: 'Register the bridge and its root bus; legacy files of the bus are created here if they may be.',
        fn: 'pci_register_host_bridge',
        when: {
          // A worker without work is TASK_IDLE, which takes no signals.
          state: 'D',
          ready: (k, t) => k.pciHosts.at(t.host).queued === 1,
          reason: (k, t) =>
            `waits for work: the probe of ${k.pciHosts.at(t.host).name} is not queued yet`,
          holders: (k) => insiders(k, ({ operation }) => operation.name === 'do_initcalls'),
        },
        run(k, t) {
          const host = k.pciHosts.at(t.host)
          if (!pci_create_legacy_files(k, t.task, host)) return 'register'
          host.listed = 1
          return 'scan'
        },
      },
      scan: {
        does: 'Find the next device on the bus.',
        fn: 'pci_scan_child_bus',
        run(k, t) {
          const dev = deviceOf(k, t.host, ({ on_bus }) => on_bus === 0)
          return dev === undefined ? 'lock' : t.call(pci_device_add, { dev: dev.id }, 'scan')
        },
      },
      lock: takeRescanLock('add'),
      add: {
        does: 'Add the next device. Behind the last one, drop the lock: the probe is over.',
        fn: 'pci_bus_add_devices',
        run(k, t) {
          const dev = deviceOf(k, t.host, ({ added, klist }) => klist !== 0 && added === 0)
          if (dev !== undefined) return t.call(pci_bus_add_device, { dev: dev.id }, 'add')
          dropRescanLock(k)
          k.pciHosts.at(t.host).probed = 1
          return t.done(0)
        },
      },
    },
  }),
)
