import { ref } from '../../arena'
import { EEXIST, ENOMEM } from '../include/errno'
import { operation } from '../operation'
import { allocIomemInode } from './iomem-inode'

/** fs_initcall(iomem_init_inode): W11 of the iomem sheet. */
export const iomem_init_inode = operation({
  name: 'iomem_init_inode',
  does: 'Makes the inode whose address_space has every mapping of I/O memory.',
  source: { file: 'kernel/resource.c', fn: 'iomem_init_inode', version: '6.12' },
  leftOut: 'A failure here is only warned about.',
  locals: { inode: ref('inode') },
  entry: 'alloc',
  steps: {
    alloc: {
      does: 'Pin the pseudo file system devmem, and allocate the inode. Nobody knows it yet.',
      fn: 'alloc_anon_inode',
      run(k, t) {
        if (k.globals.iomem_inode !== 0) return t.done(-EEXIST)
        const inode = allocIomemInode(k)
        if (inode === undefined) return t.done(-ENOMEM)
        t.inode = inode.id
        return 'publish'
      },
    },
    publish: {
      does: 'Publish it with release order: whoever sees the pointer sees the inode behind it.',
      fn: 'smp_store_release',
      run(k, t) {
        k.globals.iomem_inode = t.inode
        return t.done()
      },
    },
  },
})
