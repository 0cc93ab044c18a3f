import { ref } from '../../arena'
import { fs_bdev_mark_dead } from '../fs/super'
import { sync_filesystem } from '../fs/sync'
import { operation } from '../operation'
import { hardwareHolds } from '../wait-holders'

/** del_gendisk(): the block device goes; whoever holds it is told. */
export const del_gendisk = operation({
  name: 'del_gendisk',
  does: 'Deletes the disk.',
  source: { file: 'block/genhd.c', fn: 'del_gendisk', version: '6.12', evidence: 'recorded' },
  leftOut: 'Partitions and sysfs.',
  params: { device: ref('nd_namespace') },
  entry: 'mark_dead',
  steps: {
    mark_dead: {
      does: 'A mounted file system is synced; from about 6.5 on it is also told that the disk is dead.',
      fn: 'blk_report_disk_dead',
      source: {
        file: 'block/genhd.c',
        fn: 'del_gendisk',
        version: '6.12',
        evidence: 'recorded',
        note: 'Up to about 6.4 it was fsync_bdev(), which only syncs; which version changed it is from memory.',
      },
      run(k, t) {
        const user = k.superBlocks.find(
          ({ s_daxdev, state }) =>
            s_daxdev === k.namespaces.at(t.device).dax && state !== 'unmounted',
        )
        if (user === undefined) return 'freeze'
        return k.policy.diskRemoval === 'markDead'
          ? t.call(fs_bdev_mark_dead, { superBlock: user.id }, 'freeze')
          : t.call(sync_filesystem, { superBlock: user.id }, 'freeze')
      },
    },
    freeze: {
      does: 'Freeze the queue: no new I/O. Nothing is in flight: done.',
      fn: '__blk_freeze_queue_start',
      run(k, t) {
        const namespace = k.namespaces.at(t.device)
        namespace.blockdev = ''
        const waits = namespace.bios > 0 && k.policy.memunmapWait === 'pgmapOnly'
        return waits ? 'freeze_wait' : t.done()
      },
    },
    freeze_wait: {
      does: 'Bios in flight have a reference of the queue: wait until they are done. Up to 5.17 that comes later: the queue’s reference is the pgmap’s.',
      fn: 'blk_mq_freeze_queue_wait',
      when: {
        state: 'D',
        ready: (k, t) => k.namespaces.at(t.device).bios === 0,
        reason: (k, t) => `waits for ${k.namespaces.at(t.device).bios} bios in flight`,
        holders: () => hardwareHolds('the device, with bios in flight'),
      },
      run: (_k, t) => t.done(),
    },
  },
})
