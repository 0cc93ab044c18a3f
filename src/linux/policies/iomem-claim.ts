import { policy } from '../../machine'

/** §2.5 and §2.6 of the iomem sheet. */
export const iomemClaim = policy({
  name: 'iomemClaim',
  question: 'A driver claims a range that a user has mapped. What then?',
  initial: 'revokeAll',
  values: {
    ignore: {
      title: 'nothing (up to 5.7)',
      says: 'New mappings may be refused; the old one goes on working, and both write.',
      source: { file: 'kernel/resource.c', fn: '__request_region', version: '5.7' },
    },
    revokeDevmem: {
      title: 'mappings of /dev/mem go (5.8)',
      says: 'Entries of /dev/mem are cleared after the range is BUSY: SIGBUS from then on. Mappings through PCI files stay.',
      source: {
        file: 'drivers/char/mem.c',
        fn: 'revoke_devmem',
        version: '5.8',
        note: 'Commit 3234ac664a87.',
      },
    },
    revokeAll: {
      title: 'mappings of PCI files go too (5.12)',
      says: 'sysfs and procfs files share the address_space of /dev/mem, so one walk finds every mapping.',
      source: { file: 'kernel/resource.c', fn: 'revoke_iomem', version: '6.12' },
    },
    failDriver: {
      title: 'the driver fails',
      says: 'The claim fails with -EBUSY while a linked area maps the range. Asked for in the thread of 2021, never merged.',
    },
    failDriverCounted: {
      title: 'the driver fails, also for an mmap() under way',
      says: 'As above, but an area is linked before its checks, so that no mmap() is overlooked. An idea.',
    },
    deny: {
      title: 'nobody ever maps it',
      says: 'Everything above 1 MiB is refused, claimed or not, as virtio-mem has its own ranges refused. An idea of the same thread.',
    },
  },
})
