import { VM } from '../linux/include/mm_types'
import type { Kernel } from '../linux/kernel'
import { openingOperations } from '../linux/opening-operations'
import { type BootDax, bootDaxWith } from './dax-boot'
import { qemuNamespace, qemuQ35Pmem } from './machines/qemu-q35-pmem'
import { seedFile, seedMapping } from './pmem-machine'
import type { Scenario, Setup } from './scenario'

const MIB = 1 << 20

function build(boot: BootDax, setup: Setup): Kernel {
  const k = boot(setup, {
    iomem: qemuQ35Pmem,
    namespace: qemuNamespace,
    processes: [{ comm: 'reader', pid: 4242 }],
    admins: ['root shell', 'another shell'],
  })
  const inode = seedFile(k, 'root shell', '/mnt/a', 8 * MIB)
  seedMapping(k, 'reader', { inode, pages: 2048, pgoff: 0, label: 'A' })
  seedMapping(k, 'reader', { inode, pages: 4, pgoff: 1025, label: 'B' })
  return k
}

/** Who is told of the removal before the disk goes, and what comes of it. */
function heard({ filesystem, removeNotify }: Setup['policies']): string {
  const closes = 'kill_dax() closes the door for new faults.'
  if (removeNotify === 'massFailure')
    return 'With the series of 2021 kill_dax() comes later, when the pgmap is killed.'
  if (removeNotify === 'none') return `${closes} Up to 5.19 nobody is told.`
  return filesystem === 'xfs'
    ? `${closes} XFS is told first, but without a reverse map (rmapbt off) it cannot say who owns a block, and its -EOPNOTSUPP is ignored.`
    : `${closes} ext4 has registered no holder with the dax_device, so nobody is told.`
}

const area = (k: Kernel, label: string): number =>
  k.vmas.find((vma) => vma.label === label && (vma.vm_flags & VM.shared) !== 0)?.vm_start ?? 0

const told: Omit<Scenario, 'build'> = {
  name: 'the-driver-is-gone',
  title: 'The driver is gone; is the mapping?',
  family: 'A device is removed',
  question:
    'A process maps a file of a DAX file system; root unbinds the pmem driver under it. What still maps the pages?',
  preset: 'v6.12',
  policies: ['filesystem', 'daxTruncate'],
  params: {},
  recorded: { file: 'fsdax-xfs-unbind', kernel: '6.12.117' },
  simplified: [
    'One file system, data in one piece; directories, the journal and metadata are not there.',
    'The TLB is not simulated: every access walks the page table.',
    'A page holds one byte value. The shared zero page and the huge page of a pin are as on 6.12.',
    'mmap_lock and the page table locks are not drawn: what they protect is one step.',
  ],
  story: [
    {
      title: 'The reader writes through A.',
      text: ({ daxRefcount }) =>
        `A maps the file from its start, aligned to 2 MiB: the fault maps 512 pages with one PMD. ${
          daxRefcount === 'counted'
            ? 'From 6.15 on an entry counts: _refcount goes from 0, which is idle, to 1.'
            : 'No struct page counts it: a DAX mapping up to 6.14 holds no reference, so _refcount stays 1, which is idle.'
        }`,
      acts: [
        {
          who: 'reader',
          operation: 'userStore',
          args: (k) => ({ vpn: area(k, 'A'), value: 0x11 }),
        },
      ],
    },
    {
      title: 'And through B.',
      text: 'B is 16 KiB long, too short for a PMD: the same kind of fault maps one page with a PTE. Both entries in i_pages are dirty now, so writeback will have to find them.',
      acts: [
        {
          who: 'reader',
          operation: 'userStore',
          args: (k) => ({ vpn: area(k, 'B'), value: 0x12 }),
        },
      ],
    },
    {
      title: 'Root unbinds the driver.',
      text: (policies) =>
        `echo namespace0.0 > …/nd_pmem/unbind. It cannot fail. ${heard(policies)}`,
      acts: [
        {
          who: 'root shell',
          operation: '__device_release_driver',
          args: () => ({ device: 1 }),
          until: 'del_gendisk',
        },
      ],
    },
    {
      title: 'The disk goes, and the file system is synced.',
      text: ({ filesystem }, k) =>
        `Deleting the disk syncs the mounted file system once more. Writeback makes both mappings read-only, and leaves them present. ${
          k.superBlocks.at(1).shutdown !== 'DEVICE_REMOVED'
            ? ''
            : filesystem === 'xfs'
              ? 'Then XFS shuts down: “Block device removal (0x20) detected”.'
              : 'Then ext4 is shut down; this was deduced from the source, not recorded.'
        }`.trim(),
      acts: [{ who: 'root shell', until: 'memunmap' }],
    },
    {
      title: 'The struct pages are freed.',
      text: 'memunmap_pages() kills the pgmap, waits for references of the pgmap, and frees the memory map. It looks at no page table. When the range is released, nobody owns it; unbind has returned 0.',
      acts: [{ who: 'root shell' }],
    },
    {
      title: 'The read succeeds.',
      text: 'The entry for B was never cleared. The process still reads the device’s memory, 0x12, and would read whatever device or file system comes next. This is the hole that the 2021 series “Force unmap pmem on surprise remove” set out to close.',
      acts: [
        { who: 'reader', operation: 'userLoad', args: (k) => ({ vpn: area(k, 'B'), value: 0 }) },
      ],
    },
    {
      title: 'The write does not.',
      text: 'Writeback had made A read-only, so the store faults. The device is dead: the fault of the PMD falls back, which splits and so clears it, and the fault of the page ends in SIGBUS. Stale CPU mappings leak reads, not writes.',
      acts: [
        {
          who: 'reader',
          operation: 'userStore',
          args: (k) => ({ vpn: area(k, 'A'), value: 0x33 }),
        },
      ],
    },
    {
      title: 'Nor does a read, now that the PMD is gone.',
      text: 'The split took A’s entry with it: the next read faults too, and gets SIGBUS. B is still there. Try: pin B, then unbind; truncate while it is pinned; bind the driver again and read B.',
      acts: [
        { who: 'reader', operation: 'userLoad', args: (k) => ({ vpn: area(k, 'A'), value: 0 }) },
      ],
    },
  ],
}

/** What `fsdax-xfs-unbind` recorded, step by step. */
export const driverIsGone = (boot: BootDax): Scenario => ({
  ...told,
  build: (setup) => build(boot, setup),
})

/** As the page opens with it, before the library has arrived. */
export const theDriverIsGone = driverIsGone(bootDaxWith(openingOperations))
