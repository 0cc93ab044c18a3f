import { describe } from 'vitest'
import { type BootKernel, barSeeds, bootMachine, bootScanned } from '../../testing/boot-kernel'
import type { Mutation } from '../../testing/mutate'
import { eachHasAMistake } from '../../testing/mutation-tests'
import { pci_bus_add_device } from '../drivers/pci/bus'
import { pci_sysfs_init } from '../drivers/pci/pci-sysfs'
import { createFilesOnce, pci_create_resource_files } from '../drivers/pci/resource-files'
import { sysfs_kf_bin_open } from '../fs/sysfs/file'
import { do_initcalls } from '../init/main'
import { bootComplete } from './boot-complete'
import { bootInvariants } from './families/boot'
import { mappingReady } from './mapping-ready'
import { oneResourceFile } from './one-resource-file'

const DEVICE = { name: '0000:01:00.0', bars: barSeeds(1) }

const acpi = () =>
  bootMachine({
    hosts: [{ name: 'pci0000:00', probe: 'subsys', devices: [DEVICE] }],
    processes: ['app'],
  })

const mistakes: readonly Mutation<BootKernel>[] = [
  {
    breaks: mappingReady,
    mistake: 'level 5 does not publish iomem_inode',
    operation: do_initcalls,
    step: 'fs',
    mutant(k) {
      k.boots.at(1).level = 'fs'
      return 'rootfs'
    },
    boot: acpi,
    schedule(k) {
      k.task('swapper/0').finishes()
      k.task('app').begins(sysfs_kf_bin_open, { dev: 1, name: 'resource0' }).runs()
    },
    says: 'app called iomem_get_mapping() before iomem_init_inode() had made an inode',
  },
  {
    breaks: oneResourceFile,
    mistake: 'the mutex is taken without a look whether the files are there',
    operation: createFilesOnce,
    step: 'lock',
    mutant(k, t, original) {
      // With its pointers out of sight for the moment of the look, no device has files.
      const bars = k.pciBars.rows()
      const pointers = bars.map(({ res_attr }) => res_attr)
      for (const bar of bars) bar.res_attr = 0
      const next = original(k, t)
      bars.forEach((bar, i) => {
        bar.res_attr = pointers[i] ?? 0
      })
      return next
    },
    boot: () => bootScanned([DEVICE], { policies: { resourceFiles: 'mutex' } }),
    schedule(k) {
      k.task('swapper/0').begins(pci_sysfs_init).finishes()
      k.task('worker').begins(pci_bus_add_device, { dev: 1 }).finishes()
    },
    says: '0000:01:00.0: res_attr[0] points to an attribute that was freed',
  },
  {
    breaks: bootComplete,
    mistake: 'a BAR is passed over',
    operation: pci_create_resource_files,
    step: 'make',
    mutant: (_k, t) => t.done(0),
    boot: acpi,
    schedule: (k) => k.task('swapper/0').finishes(),
    says: '0000:01:00.0 is added, and has no resource0',
  },
]

describe('every property of the boot', () => {
  eachHasAMistake(bootInvariants, mistakes, acpi)
})
