import { affine, bits, choice, flags, int, ref, struct, wide } from '../../arena'

/** FOLL_*: include/linux/mm_types.h, 6.12. */
export const FOLL = flags({ write: 0, get: 1, longterm: 8, pin: 19 })

/** One call of get_user_pages or pin_user_pages, as its caller keeps it. The pages are in `pinned`. */
export const PinHandle = struct('pin_handle', {
  kind: choice(['PIN', 'GET'], 'FOLL_PIN or FOLL_GET.'),
  flags: bits(FOLL, 'FOLL_* flags of the call.'),
  task: ref('task_struct', 'Whose thread called.'),
  mm: ref('mm_struct', 'Whose pages they are.'),
  start: wide(0, 'First virtual page.'),
  pages: int(0, 'How many pages were asked for.'),
  got: int(0, 'How many are held.'),
})

/** The pages of a handle, by their position in it. */
export const PinnedPage = struct('pinned_page', { pfn: affine('The page that is held.') })
