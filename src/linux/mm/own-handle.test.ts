import { describe, expect, it } from 'vitest'
import { acts } from '../../testing/memory-acts'
import { bootMemory } from '../../testing/memory-kernel'
import { ib_umem_get } from '../drivers/infiniband/umem'
import { directRead } from '../fs/direct-io'
import { vmsplice_to_pipe } from '../fs/splice'
import { EFAULT } from '../include/errno'
import { unpin_user_pages } from './gup'
import { madviseSoftOffline } from './madvise-inject'

const callers = [
  { operation: vmsplice_to_pipe, step: 'fill', args: { pages: 1, pipe: 1 } },
  { operation: directRead, step: 'submit', args: { value: 0xd1 } },
  { operation: madviseSoftOffline, step: 'got_page', args: {} },
  { operation: ib_umem_get, step: 'map', args: { pages: 1 } },
] as const

describe('pages that another thread drops while the call that took them goes on', () => {
  it.each(callers)(
    'are missed by $operation.name, though their handle is somebody else’s now',
    ({ operation, step, args }) => {
      const k = bootMemory()
      const caller = k.task('thread 2').begins(operation, { vpn: k.vpn, start: k.vpn, ...args })
      caller.runTo(step)
      k.task('parent').begins(unpin_user_pages, { handle: 1 }).finishes()
      acts.gup(k).finishes()
      expect(caller.finishes()).toBe(-EFAULT)
      expect(k.kernel.pinHandles.rows().map(({ id, task, got }) => [id, task, got])).toEqual([
        [1, k.task('parent').id, 1],
      ])
      expect(k.kernel.pipes.at(1).head).toBe(0)
    },
  )
})
