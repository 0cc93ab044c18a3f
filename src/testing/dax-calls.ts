import { truncateArgs } from '../linux/fs/shrink'
import type { Kernel } from '../linux/kernel'
import type { Call } from '../machine'
import { calls } from './explored'
import { F1DATA, type RemovalKernel, TENANT2_KEY } from './removal-kernel'
import { F1, F2DATA, NVME } from './truncate-kernel'

type Calls = readonly Call<Kernel>[]

/** GUP of a thread’s pages. A call that needs its handle waits in user space until there is one. */
export const takes = (
  k: RemovalKernel,
  who: string,
  kind: 'GET' | 'PIN',
  { page = 0, pages = 1, write = 1 } = {},
): Call<Kernel> =>
  calls(kind === 'GET' ? 'get_user_pages_fast' : 'pin_user_pages_fast', {
    start: k.vpn(who) + page,
    pages,
    write,
    longterm: 0,
    force: 0,
  })

export const loads = (k: RemovalKernel, who: string): Call<Kernel> =>
  calls('userLoad', { vpn: k.vpn(who), value: 0 })
export const stores = (k: RemovalKernel, who: string): Call<Kernel> =>
  calls('userStore', { vpn: k.vpn(who), value: F1DATA })

/** The store of the device arrives. */
export const dma = calls('dmaWrite', { handle: 1, page: 0, value: NVME })
export const unpins = (handle = 1): Call<Kernel> => calls('unpin_user_pages', { handle })
export const truncates = calls('xfs_vn_setattr', (k) => ({ ...truncateArgs(k, F1, 0) }))
export const munmaps = calls('do_munmap', { vma: 1 })
/** write(2) of the first page of F1. */
export const writes = calls('daxWrite', { inode: F1, pos: 0, length: 4096, value: F1DATA })

/** Another file is made, which needs all eight blocks, and is written; -ENOSPC while one is not free. */
export const createsF2: Calls = [
  calls('createFile', { superBlock: 1, name: 'F2', size: 8 * 4096 }),
  calls('writeFile', (k) => ({
    inode: k.inodes.find(({ name }) => name === 'F2')?.id ?? 0,
    value: F2DATA,
  })),
]

export const unbinds = calls('__device_release_driver', { device: 1 })
/** The unbind of a DAX device. */
export const removes = calls('dev_dax_remove', { device: 1 })
/** Another card comes in its place, with another owner’s bytes. */
export const replaces = calls('replaceDevice', { device: 1, value: TENANT2_KEY })
