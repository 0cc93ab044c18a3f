import { int, struct } from '../../arena'

/** struct badblocks of a pmem disk (include/linux/badblocks.h), by pfn: what the platform recorded as lost. */
export const Badblocks = struct('badblocks', {
  acked: int(1, 'BB_ACK_MASK: the range is recorded, and reads of it fail.'),
})
