import { pci_sysfs_init } from '../drivers/pci/pci-sysfs'
import { pci_host_probe } from '../drivers/pci/probe'
import type { InitcallLevel } from '../include/init'
import type { Kernel } from '../kernel'
import { publishIomemInode } from '../kernel/iomem-inode'
import { operation } from '../operation'
import { insiders } from '../wait-holders'
import { bootOf, bootOperation } from './boot-operation'

const enter = (k: Kernel, level: InitcallLevel): void => {
  bootOf(k).level = level
}

const nextAtSubsys = (k: Kernel) =>
  k.pciHosts.find(({ probe, probed }) => probe === 'subsys' && probed === 0)

const nextAsync = (k: Kernel) =>
  k.pciHosts.find(({ probe, probed }) => probe === 'async' && probed === 0)

/** §3.1 of the iomem sheet. */
export const do_initcalls = bootOperation(
  operation({
    name: 'do_initcalls',
    does: 'Runs the initcalls level by level. Workers that they queue run beside the later levels.',
    source: { file: 'init/main.c', fn: 'do_initcalls', version: '6.12' },
    leftOut: 'Every initcall that has nothing to do with PCI sysfs or with the mapping of iomem.',
    via: ['do_basic_setup', 'kernel_init_freeable', 'kernel_init'],
    entry: 'pure',
    steps: {
      pure: {
        does: 'Level 0, pure.',
        fn: 'do_initcall_level',
        run(k) {
          enter(k, 'pure')
          return 'core'
        },
      },
      core: {
        does: 'Level 1, core.',
        fn: 'do_initcall_level',
        run(k) {
          enter(k, 'core')
          return 'postcore'
        },
      },
      postcore: {
        does: 'Level 2, postcore: the PCI bus type is registered, here or at level 3.',
        fn: 'do_initcall_level',
        run(k) {
          enter(k, 'postcore')
          return 'arch'
        },
      },
      arch: {
        does: 'Level 3, arch.',
        fn: 'do_initcall_level',
        run(k) {
          enter(k, 'arch')
          return 'subsys'
        },
      },
      subsys: {
        does: 'Level 4, subsys: acpi_init, or pcibios_init of powerpc.',
        fn: 'do_initcall_level',
        run(k) {
          enter(k, 'subsys')
          return 'enumerate'
        },
      },
      enumerate: {
        does: 'Enumerate the next host bridge that is known this early.',
        fn: 'acpi_pci_root_add',
        run(k, t) {
          const host = nextAtSubsys(k)
          if (host === undefined) return 'fs'
          host.queued = 1
          return t.call(pci_host_probe, { host: host.id }, 'enumerate')
        },
      },
      fs: {
        does: 'Level 5, fs: iomem_init_inode publishes iomem_inode, and chr_dev_init makes /dev/mem.',
        fn: 'iomem_init_inode',
        choices: () => 2,
        choice: (_k, _t, n) =>
          n === 0 ? 'iomem_init_inode succeeds' : 'iomem_init_inode is out of memory',
        run(k, _t, choice) {
          enter(k, 'fs')
          if (choice === 0) publishIomemInode(k)
          return 'rootfs'
        },
      },
      rootfs: {
        does: 'Level rootfs: the initramfs is unpacked. A usermode helper could run user code from here on.',
        fn: 'populate_rootfs',
        run(k) {
          enter(k, 'rootfs')
          return 'device'
        },
      },
      device: {
        does: 'Level 6, device: drivers of host bridges register, and what they probe asynchronously is queued.',
        fn: 'do_initcall_level',
        run(k) {
          enter(k, 'device')
          for (const host of k.pciHosts.rows()) host.queued = 1
          return 'late'
        },
      },
      late: {
        does: 'Level 7, late: pci_sysfs_init. Static attributes have none.',
        fn: 'do_initcall_level',
        run(k, t) {
          enter(k, 'late')
          return k.policy.resourceFiles === 'static'
            ? 'synchronize'
            : t.call(pci_sysfs_init, {}, 'synchronize')
        },
      },
      synchronize: {
        does: 'Wait for asynchronous probes; what an initcall returned is not looked at. Workers of other queues are not waited for.',
        fn: 'async_synchronize_full',
        when: {
          state: 'D',
          ready: (k) => nextAsync(k) === undefined,
          reason: (k) => `waits for the asynchronous probe of ${nextAsync(k)?.name}`,
          holders: (k) => insiders(k, ({ operation }) => operation.name === 'pci_host_probe'),
        },
        run: () => 'run',
      },
      run: {
        does: 'Run /init: user space.',
        fn: 'run_init_process',
        run(k, t) {
          enter(k, 'run')
          return t.done(0)
        },
      },
    },
  }),
)
