import { policy } from '../../machine'

/** Who is told when a pmem device goes (dax sheet §4.3). */
export const removeNotify = policy({
  name: 'removeNotify',
  question: 'A pmem device is removed under a file system: who hears of it, and what do they do?',
  initial: 'preRemove',
  values: {
    none: {
      title: 'nobody (up to 5.19)',
      says: 'Mappings stay as they are.',
      source: { file: 'drivers/dax/super.c', fn: 'kill_dax', version: '5.10' },
    },
    massFailure: {
      title: 'memory_failure() on every page (the series of March 2021)',
      says: 'Each page of the device is reported as failed, one by one; who maps it is unmapped if there is somebody to kill.',
      source: {
        file: 'drivers/nvdimm/pmem.c',
        fn: 'pmem_pagemap_kill',
        version: '5.12 with the series of March 2021',
        evidence: 'deduced',
        note: 'As intended: as posted, the driver drops its reference before the test for a file system that holds the device.',
      },
    },
    holder: {
      title: 'the file system, as of a failure (6.0 to 6.7)',
      says: 'The holder kills who maps its files; late-kill processes of others are not found, so their entries stay.',
      source: { file: 'drivers/dax/super.c', fn: 'kill_dax', version: '6.1' },
    },
    preRemove: {
      title: 'the file system, with MF_MEM_PRE_REMOVE (6.8+)',
      says: 'XFS freezes, unmaps and kills everybody who maps its files, and shuts down. It needs the reverse map (rmapbt).',
      source: {
        file: 'fs/xfs/xfs_notify_failure.c',
        fn: 'xfs_dax_notify_failure',
        version: '6.12',
        evidence: 'recorded',
      },
    },
  },
})
