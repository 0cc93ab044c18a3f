import { VM } from '../include/mm_types'
import { mmapOf } from './mmap'

/** W30 of the DAX sheet: mmap(2) with MAP_SHARED_VALIDATE | MAP_SYNC. */
export const mapSync = mmapOf({
  name: 'mapSync',
  does: 'Maps a DAX file with MAP_SHARED_VALIDATE | MAP_SYNC: what a store needs to be found again is on disk before it is possible.',
  leftOut: 'MAP_FIXED, merging of areas, limits; devices that are not synchronous (virtio-pmem).',
  label: 'Map this file with MAP_SYNC',
  step: 'A file without DAX cannot promise that: -EOPNOTSUPP. Otherwise make the area, with VM_SYNC. No page, no entry yet.',
  sync: VM.sync,
})
