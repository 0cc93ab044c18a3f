import { always } from '../operation'

/** I9 of the iomem sheet, §6. */
export const mappingReady = always({
  name: 'mappingReady',
  claim: 'iomem_get_mapping() is never called while iomem_inode is NULL.',
  sources: [{ file: 'kernel/resource.c', fn: 'iomem_get_mapping', version: '6.12' }],
  broken(k) {
    const [boot] = k.boots.rows()
    if (boot === undefined || boot.oopsed === 0) return undefined
    const says = `${k.tasks.at(boot.oopsed).name} called iomem_get_mapping() before iomem_init_inode() had made an inode`
    return { table: 'boots', id: boot.id, says }
  },
})
