import { int, ref, wide } from '../../arena'
import { actsFor } from '../drivers/dma/engine'
import { EFAULT } from '../include/errno'
import { storeByte } from '../mm/contents'
import { get_user_pages_fast, pin_user_pages_fast } from '../mm/gup'
import { dropAll, ownHandle } from '../mm/gup-count'
import { operation } from '../operation'
import { hardwareHolds } from '../wait-holders'

/** How a handle is called whose I/O the disk has not completed. */
const IN_FLIGHT = 'O_DIRECT read'

/** §3.1 and W10 of the pins sheet: read(2) with O_DIRECT, from a disk into memory. */
export const directRead = operation({
  name: 'directRead',
  does: 'read(2) with O_DIRECT: the disk writes straight into the pages of the process.',
  source: { file: 'block/fops.c', fn: '__blkdev_direct_IO', version: '6.12' },
  leftOut: 'The block layer; one I/O of one page, of which the first sector is read.',
  start: {
    label: 'Read from disk into it (O_DIRECT)',
    on: ['pte', 'vma'],
    by: 'process',
    args: (k, { kind, id, key }) => ({
      vpn: key ?? (kind === 'vma' ? k.vmas.at(id).vm_start : 0),
      value: 0xd1,
    }),
    refuse(k, { value }, task) {
      if (k.tasks.at(task).mm === 0) return 'This thread has no address space here.'
      if (k.pinHandles.isFull) return 'This simulation has no room for another I/O.'
      return value >= 0 && value <= 0xff ? undefined : 'A byte is from 0 to 255.'
    },
  },
  params: { vpn: wide(), value: int() },
  locals: { handle: ref('pin_handle') },
  entry: 'get_pages',
  steps: {
    get_pages: {
      does: 'Take the page of the buffer for writing: FOLL_GET up to 6.4, FOLL_PIN from 6.5 on.',
      fn: 'bio_iov_iter_get_pages',
      run(k, t) {
        const args = { start: t.vpn, pages: 1, write: 1, longterm: 0, force: 0 }
        return k.policy.directIo === 'get'
          ? t.call(get_user_pages_fast, args, 'submit')
          : t.call(pin_user_pages_fast, args, 'submit')
      },
    },
    submit: {
      does: 'Submit the I/O: the disk may write into the page from now on.',
      fn: 'submit_bio',
      run(k, t) {
        if (t.ret < 0) return t.done(t.ret)
        const handle = ownHandle(k, t.task)
        if (handle === undefined) return t.done(-EFAULT)
        handle.user = IN_FLIGHT
        t.handle = handle.id
        return 'wait'
      },
    },
    wait: {
      does: 'The I/O is complete.',
      fn: 'blk_io_schedule',
      when: {
        state: 'D',
        ready: (k, t) => {
          const handle = k.pinHandles.isLive(t.handle) ? k.pinHandles.at(t.handle) : undefined
          return handle?.task !== t.task.id || !handle.user.startsWith(IN_FLIGHT)
        },
        reason: () => 'sleeps until the disk has written the data',
        holders: () => hardwareHolds('the disk'),
      },
      run: (_k, t) => t.done(512),
    },
  },
})

/** The other half of it, which the disk and its interrupt do. */
export const bio_endio = operation({
  name: 'bio_endio',
  does: 'The disk writes the data into the page, and its interrupt completes the I/O.',
  source: { file: 'block/bio.c', fn: 'bio_endio', version: '6.12' },
  leftOut: 'Errors; dirtying of pages.',
  start: {
    label: 'The disk completes the read',
    on: ['pin'],
    by: 'device',
    args: (k, { id }) => ({ handle: k.pinHandles.at(id).id, value: 0xd1 }),
    refuse(k, { handle, value }) {
      if (!k.pinHandles.isLive(handle) || k.pinHandles.at(handle).user !== IN_FLIGHT)
        return 'This is no read with O_DIRECT that is in flight.'
      return value >= 0 && value <= 0xff ? undefined : 'A byte is from 0 to 255.'
    },
  },
  params: { handle: ref('pin_handle'), value: int() },
  entry: 'dma',
  steps: {
    dma: {
      does: 'The data arrives in the first sector of the page that was taken.',
      fn: 'DMA write',
      run(k, t) {
        const handle = k.pinHandles.isLive(t.handle) ? k.pinHandles.at(t.handle) : undefined
        if (handle?.user !== IN_FLIGHT) return t.done()
        handle.user = 'O_DIRECT read, completing'
        const { pfn } = k.pinned.in(t.handle).at(0)
        storeByte(k, pfn, t.value, { mm: actsFor(k, t.handle, pfn) })
        return 'complete'
      },
    },
    complete: {
      does: 'Put the page, and wake the reader. The last put frees it, with the data in it.',
      fn: 'bio_release_pages',
      run(k, t) {
        if (!k.pinHandles.isLive(t.handle)) return t.done()
        dropAll(k, t.handle)
        k.pinHandles.free(t.handle)
        return t.done()
      },
    },
  },
})
