import { policy } from '../../machine'

/** What del_gendisk() does to a file system that is mounted on the disk (dax sheet §4.3, R2). */
export const diskRemoval = policy({
  name: 'diskRemoval',
  question: 'A disk with a mounted file system is deleted: what does the file system hear?',
  initial: 'markDead',
  values: {
    sync: {
      title: 'it is synced (up to 6.4)',
      says: 'Dirty pages are written back, which makes DAX mappings read-only. The file system does not know that its disk is gone.',
      source: {
        file: 'block/genhd.c',
        fn: 'del_gendisk',
        version: '5.12',
        note: 'fsync_bdev(). That 6.1 does the same is from memory.',
      },
    },
    markDead: {
      title: 'that the disk is dead (6.5+)',
      says: 'It is synced, and then it shuts itself down.',
      source: {
        file: 'block/genhd.c',
        fn: 'blk_report_disk_dead',
        version: '6.12',
        evidence: 'recorded',
        note: 'Recorded on 6.12; that 6.5 is the first is from memory.',
      },
    },
  },
})
