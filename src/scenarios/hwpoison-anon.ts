import type { Kernel } from '../linux/kernel'
import { mapAnonymous } from '../linux/mm/mmap'
import { accessOf, entryOf, hasSignal, returnOf } from './dax-story'
import { bootMemoryMachine } from './memory-machine'
import { areaAt, counters, forks, loads, mappedBy, pageName, stores } from './memory-story'
import { run } from './pmem-machine'
import type { Scenario, Setup } from './scenario'

/** The first page that this machine hands out. */
const PAGE = 0x12345

function build(setup: Setup): Kernel {
  const k = bootMemoryMachine(setup, { processes: [{ comm: 'parent', pid: 4242 }] })
  run(k, 'parent', mapAnonymous, { pages: 1, huge: 0, label: 'buf' })
  return k
}

/** What group `anon` of the recording `hwpoison` has. */
export const hwpoisonAnon: Scenario = {
  name: 'hwpoison-anon',
  title: 'A page of memory is lost',
  question:
    'An uncorrectable error hits a page of anonymous memory that a process uses. What takes the place of the entry, and who hears of it?',
  preset: 'v6.12',
  policies: [],
  params: {},
  recorded: { file: 'hwpoison', kernel: '6.12.117' },
  simplified: [
    'The error is injected by madvise(MADV_HWPOISON), as if the process had consumed it; no hardware is at fault.',
    'Huge pages and soft offlining of the same recording are not told here.',
  ],
  build,
  story: [
    {
      title: 'The process writes a page.',
      text: (_policies, k) => `${pageName(mappedBy(k, 'parent'))}: ${counters(k, PAGE)}.`,
      acts: [
        stores('parent', 0x11),
        { who: 'parent', operation: 'lru_add_drain_cpu', args: () => ({ cpu: 1 }) },
      ],
    },
    {
      title: 'The page is lost.',
      text: (_policies, k) =>
        `madvise() returns ${returnOf(k, 'parent')}, and the process ${hasSignal(k, 'parent') ? accessOf(k, 'parent') : 'gets nothing'}. The entry is ${entryOf(k, 'parent', 'buf')}; the page has ${counters(k, PAGE)}: nobody maps it, and the poison itself holds it, so that it is never handed out again.`,
      acts: [{ who: 'parent', operation: 'madviseHwpoison', args: (k) => ({ vpn: areaAt(k) }) }],
    },
    {
      title: 'It reads, writes and pins.',
      text: (_policies, k) =>
        `The process ${accessOf(k, 'parent')}, for a load and for a store. A pin returns ${returnOf(k, 'parent')}, -EFAULT.`,
      acts: [
        loads('parent'),
        stores('parent', 0x01),
        {
          who: 'parent',
          operation: 'pin_user_pages_fast',
          args: (k) => ({ start: areaAt(k), pages: 1, write: 1, longterm: 0, force: 0 }),
        },
      ],
    },
    {
      title: 'fork, and the child reads.',
      text: (_policies, k) =>
        `fork copies the entry as it is: the child has ${entryOf(k, 'child', 'buf')}, and ${accessOf(k, 'child')}.`,
      acts: [forks('parent', 'child'), loads('child')],
    },
    {
      title: 'The child exits, and the parent unmaps.',
      text: (_policies, k) => `The page stays away: ${counters(k, PAGE)}.`,
      acts: [
        { who: 'child', operation: 'do_exit' },
        {
          who: 'parent',
          operation: 'do_munmap',
          args: (k) => ({ vma: k.vmas.find(({ label }) => label === 'buf')?.id ?? 0 }),
        },
      ],
    },
  ],
}
