import type { Kernel } from '../linux/kernel'
import { bootBootMachine, runToLevel } from './boot-machine'
import { initcalls } from './boot-story'
import type { Scenario, Setup } from './scenario'

function build(setup: Setup): Kernel {
  const k = bootBootMachine(setup, {
    hosts: [
      {
        name: 'pci0000:00',
        probe: 'subsys',
        legacy: true,
        devices: [
          {
            name: '0000:01:00.0',
            bars: [{ number: 0, start: 0x200080000000, length: 0x100000 }],
          },
        ],
      },
    ],
    admins: ['root shell'],
    processes: ['app'],
  })
  runToLevel(k, 'subsys')
  return k
}

const hasPanicked = (k: Kernel): boolean => k.boots.at(1).panicked === 1
const legacy = (k: Kernel): string =>
  k.kernfsNodes.rows().some(({ name }) => name === 'legacy_io')
    ? 'legacy_io and legacy_mem are there'
    : 'there are no legacy files yet'

/** W12 of the iomem sheet. */
export const legacyFilesTooEarly: Scenario = {
  name: 'legacy-files-too-early',
  title: 'pSeries, January 2021: a mapping too early',
  question:
    'linux-next asked for the mapping of iomem when a host bridge was registered, at level 4. What is there to be had?',
  preset: 'v5.12',
  policies: ['legacyFiles', 'sysfsMapping', 'resourceFiles'],
  params: {},
  starts: { legacyFiles: 'ungated' },
  simplified: ['The messages are those of x86; the address is that of the report.'],
  build,
  story: [
    {
      title: 'Level 4: pcibios_init registers the host bridge.',
      text: (policies, k) =>
        hasPanicked(k)
          ? 'iomem_inode is NULL until level 5, and iomem_get_mapping() does not look: NULL->i_mapping is a load from 0x30. The thread is pid 1, and its death is a panic: “Attempted to kill init!”.'
          : policies['sysfsMapping'] === 'atCreation'
            ? `pci_create_legacy_files() tests sysfs_initialized, and does nothing: ${legacy(k)}.`
            : `${legacy(k)}. Nobody has asked for the mapping.`,
      acts: [initcalls('fs')],
    },
    {
      title: 'Level 5: iomem_init_inode.',
      text: (_policies, k) =>
        hasPanicked(k)
          ? 'It would have published iomem_inode. It never runs.'
          : 'iomem_inode is published: from here on there is a mapping to be had.',
      acts: [initcalls('rootfs')],
    },
    {
      title: 'Level 7, and user space.',
      text: (_policies, k) =>
        hasPanicked(k) ? 'Nothing runs any more.' : `The boot is done: ${legacy(k)}.`,
      acts: [initcalls()],
    },
  ],
}
