import { policy } from '../../machine'

const analysis = { file: 'drivers/pci/pci-sysfs.c', fn: 'pci_sysfs_init', version: '6.12' } as const

/** Who creates resourceN of a PCI device (iomem sheet §3.2, §3.5). */
export const resourceFiles = policy({
  name: 'resourceFiles',
  question: 'Who creates the resourceN files of a PCI device, and how often?',
  initial: 'twoCreators',
  values: {
    twoCreators: {
      title: 'two creators and a flag',
      says: 'A late initcall does it for every device that is there, and pci_bus_add_device() for every other. sysfs_initialized is to keep them apart.',
      source: analysis,
    },
    flagAfterLoop: {
      title: 'the flag is set behind the loop',
      says: 'The initcall takes devices that are added, and opens the gate when it is done: nobody creates twice, and some device may get no file at all.',
      source: {
        ...analysis,
        version: 'none',
        evidence: 'deduced',
        note: 'Proposed, never merged.',
      },
    },
    mutex: {
      title: 'a mutex, and a look',
      says: 'Both creators take a mutex and look whether the files are there already.',
      source: {
        ...analysis,
        version: 'none',
        evidence: 'deduced',
        note: 'An alternative, never merged.',
      },
    },
    static: {
      title: 'static attributes',
      says: 'The driver core creates them inside device_add(), once, before anybody can see the device. There is no late initcall and no flag.',
      source: {
        file: 'drivers/pci/pci-sysfs.c',
        fn: 'pci_dev_groups',
        version: 'series of 2026, v8',
        note: 'Posted; its fate in mainline is open.',
      },
    },
  },
})
