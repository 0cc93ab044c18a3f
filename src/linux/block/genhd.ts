import { ref } from '../../arena'
import { fs_bdev_mark_dead } from '../fs/super'
import { operation } from '../operation'

/** del_gendisk(): the block device goes; whoever holds it is told. */
export const del_gendisk = operation({
  name: 'del_gendisk',
  does: 'Deletes the disk.',
  source: { file: 'block/genhd.c', fn: 'del_gendisk', version: '6.12', evidence: 'recorded' },
  leftOut: 'Partitions, sysfs, and I/O in flight, for which it would wait.',
  params: { device: ref('nd_namespace') },
  entry: 'mark_dead',
  steps: {
    mark_dead: {
      does: 'Mark the block device dead; a mounted file system hears of it.',
      fn: 'blk_report_disk_dead',
      run(k, t) {
        const user = k.superBlocks.find(
          ({ device, state }) => device === t.device && state !== 'unmounted',
        )
        return user === undefined
          ? 'freeze'
          : t.call(fs_bdev_mark_dead, { superBlock: user.id }, 'freeze')
      },
    },
    freeze: {
      does: 'Freeze the queue: no new I/O.',
      fn: '__blk_freeze_queue_start',
      run(k, t) {
        k.namespaces.at(t.device).blockdev = ''
        return t.done()
      },
    },
  },
})
