import { ref, wide } from '../../arena'
import { EAGAIN, EFAULT } from '../include/errno'
import { FOLL, PIPE_DEF_BUFFERS } from '../include/gup'
import type { Kernel } from '../kernel'
import { bytesOf } from '../mm/contents'
import { refAdd } from '../mm/folio'
import { get_user_pages_fast, pin_user_pages_fast } from '../mm/gup'
import { gup_put_folio, isGettable, ownHandle } from '../mm/gup-count'
import { operation } from '../operation'

const GET_FLAGS = FOLL.get
const PIN_FLAGS = FOLL.pin | FOLL.write | FOLL.force | FOLL.longterm

const flagsOf = (kind: 'GET' | 'PIN'): number => (kind === 'PIN' ? PIN_FLAGS : GET_FLAGS)

/** The references go over from the call to the pipe: one buffer for each page. */
function fillPipe(k: Kernel, pipe: number, handle: number): void {
  const row = k.pipes.at(pipe)
  const { mm, kind } = k.pinHandles.at(handle)
  for (const { pfn, length } of k.pinned.in(handle).runs()) {
    k.pipeBuffers.in(pipe).fill(row.head, row.head + length, { pfn, kind, mm })
    row.head += length
  }
  k.pinned.in(handle).clear(0, PIPE_DEF_BUFFERS)
  k.pinHandles.free(handle)
}

const isPipe = (k: Kernel, pipe: number): string | undefined =>
  k.pipes.isLive(pipe) ? undefined : 'There is no such pipe.'

/** §6 of the pins sheet. */
export const vmsplice_to_pipe = operation({
  name: 'vmsplice_to_pipe',
  does: 'Puts pages of the process into a pipe, without a copy: the pipe holds them until they are read.',
  source: { file: 'fs/splice.c', fn: 'vmsplice_to_pipe', version: '6.12' },
  leftOut: 'A full pipe, which makes the caller sleep; SPLICE_F_GIFT.',
  start: {
    label: 'vmsplice into a pipe',
    on: ['pte', 'vma'],
    by: 'process',
    args: (k, { kind, id, key }) => ({
      vpn: key ?? (kind === 'vma' ? k.vmas.at(id).vm_start : 0),
      pages: 1,
      pipe: k.pipes.find(() => true)?.id ?? 0,
    }),
    refuse(k, { pages, pipe }, task) {
      if (k.tasks.at(task).mm === 0) return 'This thread has no address space here.'
      if (!k.pipes.isLive(pipe)) return 'There is no such pipe.'
      if (k.pinHandles.isFull) return 'This simulation has no room for another call.'
      const { head, tail } = k.pipes.at(pipe)
      const room = PIPE_DEF_BUFFERS - (head - tail)
      return pages >= 1 && pages <= room
        ? undefined
        : `The pipe has room for ${room} more ${room === 1 ? 'page' : 'pages'}.`
    },
  },
  params: { vpn: wide(), pages: wide(), pipe: ref('pipe') },
  entry: 'get_pages',
  steps: {
    get_pages: {
      does: 'Take the pages: for reading, with FOLL_GET; or as the mail asks, with a long-term write pin.',
      fn: 'iter_to_pipe',
      run(k, t) {
        const args = { start: t.vpn, pages: t.pages }
        return k.policy.vmsplice === 'get'
          ? t.call(get_user_pages_fast, { ...args, write: 0, longterm: 0, force: 0 }, 'fill')
          : t.call(pin_user_pages_fast, { ...args, write: 1, longterm: 1, force: 1 }, 'fill')
      },
    },
    fill: {
      does: 'One pipe buffer for each page; it keeps the reference for as long as user space likes.',
      fn: 'add_to_pipe',
      run(k, t) {
        if (t.ret < 0) return t.done(t.ret)
        const handle = ownHandle(k, t.task)
        if (handle === undefined) return t.done(-EFAULT)
        fillPipe(k, t.pipe, handle.id)
        return t.done(t.ret * 4096)
      },
    },
  },
})

/** read(2) of one page from a pipe. */
export const pipe_read = operation({
  name: 'pipe_read',
  does: 'Reads the oldest page from a pipe: the reader sees what the page holds now, not when it was put there.',
  source: { file: 'fs/pipe.c', fn: 'pipe_read', version: '6.12' },
  leftOut: 'Waiting for data, partial reads.',
  start: {
    label: 'Read a page from the pipe',
    on: ['pipe'],
    by: 'process',
    args: (k, { id }) => ({ pipe: k.pipes.at(id).id }),
    refuse: (k, { pipe }) => isPipe(k, pipe),
  },
  params: { pipe: ref('pipe') },
  entry: 'copy',
  steps: {
    copy: {
      does: 'Copy the page to the reader.',
      fn: 'copy_page_to_iter',
      run(k, t) {
        const { head, tail } = k.pipes.at(t.pipe)
        if (head === tail) return t.done(-EAGAIN)
        const { pfn } = k.pipeBuffers.in(t.pipe).at(tail)
        t.task.value = bytesOf(k, pfn).value
        return 'release'
      },
    },
    release: {
      does: 'The buffer goes, and its reference. The last one frees the page.',
      fn: 'pipe_buf_release',
      run(k, t) {
        release(k, t.pipe)
        return t.done(4096)
      },
    },
  },
})

function release(k: Kernel, pipe: number): void {
  const row = k.pipes.at(pipe)
  if (row.head === row.tail) return
  const { pfn, kind } = k.pipeBuffers.in(pipe).at(row.tail)
  k.pipeBuffers.in(pipe).clear(row.tail, row.tail + 1)
  row.tail += 1
  gup_put_folio(k, pfn, 1, flagsOf(kind))
}

/** tee(2) of one buffer: another reference of the same page, refused where the count has overflowed. */
export const link_pipe = operation({
  name: 'link_pipe',
  does: 'tee: the oldest page of one pipe goes into another as well.',
  source: { file: 'fs/splice.c', fn: 'link_pipe', version: '6.12' },
  leftOut: 'Waiting; pipes of more than 16 buffers.',
  start: {
    label: 'tee into another pipe',
    on: ['pipe'],
    by: 'process',
    args: (k, { id }) => ({
      from: k.pipes.at(id).id,
      to: k.pipes.find((pipe) => pipe.id !== id)?.id ?? 0,
    }),
    refuse(k, { from, to }) {
      const wrong = isPipe(k, from) ?? isPipe(k, to)
      if (wrong !== undefined) return wrong
      if (from === to) return 'tee needs two pipes.'
      const { head, tail } = k.pipes.at(to)
      return head - tail < PIPE_DEF_BUFFERS ? undefined : 'The other pipe is full.'
    },
  },
  params: { from: ref('pipe'), to: ref('pipe') },
  entry: 'link',
  steps: {
    link: {
      does: 'Take another reference of the page, and link it into the other pipe.',
      fn: 'pipe_buf_get',
      run(k, t) {
        const { head, tail } = k.pipes.at(t.from)
        if (head === tail) return t.done(0)
        const { pfn, mm } = k.pipeBuffers.in(t.from).at(tail)
        if (!isGettable(k, pfn)) return t.done(-EAGAIN)
        refAdd(k, pfn, 1)
        const to = k.pipes.at(t.to)
        k.pipeBuffers.in(t.to).fill(to.head, to.head + 1, { pfn, kind: 'GET', mm })
        to.head += 1
        return t.done(4096)
      },
    },
  },
})
