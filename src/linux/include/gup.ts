import { affine, bits, choice, flags, int, ref, struct, text, wide } from '../../arena'

/** FOLL_*: include/linux/mm_types.h, 6.12. */
export const FOLL = flags({
  write: 0,
  get: 1,
  force: 3,
  hwpoison: 6,
  longterm: 8,
  pci_p2pdma: 10,
  pin: 19,
})

/** One call of get_user_pages or pin_user_pages, as its caller keeps it. The pages are in `pinned`. */
export const PinHandle = struct('pin_handle', {
  kind: choice(['PIN', 'GET'], 'FOLL_PIN or FOLL_GET.'),
  flags: bits(FOLL, 'FOLL_* flags of the call.'),
  task: ref('task_struct', 'Whose thread called.'),
  mm: ref('mm_struct', 'Whose pages they are.'),
  start: wide(0, 'First virtual page.'),
  pages: int(0, 'How many pages were asked for.'),
  got: int(0, 'How many are held.'),
  state: choice(['walking', 'held'], 'held: the call has returned, and the device may start.'),
  user: text('What holds the pages: an I/O, or a memory region.'),
  unmapped: int(0, 'The process unmapped the page that is just being taken; not in the kernel.'),
  raced: int(0, 'A fork write-protected entries during the lockless walk; not in the kernel.'),
})

/** The pages of a handle, by their position in it. */
export const PinnedPage = struct('pinned_page', {
  pfn: affine('The page that is held.'),
  detached: int(0, 'The process unmapped the address itself since; not in the kernel.'),
  owner: ref('inode', 'The file whose block it was when it was taken; not in the kernel.'),
  gen: int(0, 'The binding of the device that it was taken from; not in the kernel.'),
})

/** struct pipe_inode_info. Its buffers are in `pipeBuffers`, by position. */
export const Pipe = struct('pipe', {
  name: text('The name that the story gives it; not in the kernel.'),
  head: int(0, 'Where the next buffer goes.'),
  tail: int(0, 'The oldest buffer.'),
})

/** PIPE_DEF_BUFFERS: buffers that a pipe has unless it was resized. */
export const PIPE_DEF_BUFFERS = 16

/** struct pipe_buffer: a page that vmsplice gifted, held until it is read. */
export const PipeBuffer = struct('pipe_buffer', {
  pfn: affine('The page.'),
  kind: choice(
    ['GET', 'PIN'],
    'How vmsplice took it: FOLL_GET, or as the mail asks, a long-term pin.',
  ),
  mm: ref('mm_struct', 'Whose page it was.'),
})
