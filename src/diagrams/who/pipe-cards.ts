import type { Change } from '../../arena'
import type { Kernel } from '../../linux/kernel'
import { pipeName } from '../scene/names'
import type { CardView, Row } from '../shared/cards'
import { hex } from '../shared/format'
import { byteOf } from '../shared/page-byte'

const MAX_PIPES = 2
const MAX_BUFFERS = 3

/** Pipes with the pages that were put into them, oldest first: what a reader would get now. */
export const pipeCards = (k: Kernel, changes: readonly Change[]): CardView[] =>
  k.pipes
    .rows()
    .slice(0, MAX_PIPES)
    .map(({ id, name, head, tail }): CardView => {
      const buffers = buffersOf(k, id)
      const rows = buffers.slice(0, MAX_BUFFERS).map(
        ({ pfn, kind }): Row => ({
          kind: 'byte',
          label: `${hex(pfn)}, FOLL_${kind}`,
          byte: byteOf(k, pfn, changes),
        }),
      )
      const more = buffers.length - MAX_BUFFERS
      return {
        target: { kind: 'pipe', id },
        title: pipeName(name),
        side: head === tail ? 'empty' : head - tail === 1 ? '1 buffer' : `${head - tail} buffers`,
        tone: head === tail ? 'quiet' : 'plain',
        rows:
          more > 0 ? [...rows, { kind: 'text', value: `and ${more} more`, tone: 'quiet' }] : rows,
      }
    })

/** The pages in a pipe, one by one. */
export const buffersOf = (k: Kernel, pipe: number) =>
  k.pipeBuffers
    .in(pipe)
    .runs()
    .flatMap(({ start, end, pfn, kind }) =>
      Array.from({ length: end - start }, (_, i) => ({ pfn: pfn + i, kind })),
    )
