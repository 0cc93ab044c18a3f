import type { Kernel } from '../linux/kernel'
import { localCall } from '../linux/mm/highmem'
import { bootPksMachine } from './pks-machine'
import {
  ANALYSIS,
  byteIn,
  fate,
  isDead,
  lastLine,
  mapsForItself,
  NO_SUCH_KERNEL,
  ONE_BYTE,
  PAGE,
  registerText,
  unmaps,
  writesBy,
} from './pks-story'
import type { Scenario, Setup } from './scenario'

const build = (setup: Setup): Kernel =>
  bootPksMachine(setup, {
    threads: ['submitter', 'worker'],
    hasPks: setup.params['keys'] !== 0,
  })

const hasKeys = (k: Kernel): boolean => k.cpus.at(1).cr4_pks === 1

/** W15 of the PKS sheet, with W15b. */
export const pksWrongConversion: Scenario = {
  name: 'pks-wrong-conversion',
  title: 'The wrong conversion to kmap_thread()',
  question:
    'A call of kmap() became kmap_thread(), and the pointer is used by another thread. What happens, and on which machines?',
  preset: 'pks-rfc-2020',
  policies: ['pks', 'pksFault', 'kmapOption'],
  params: { keys: { title: 'CPUs have PKS', initial: 1, min: 0, max: 1 } },
  simplified: [
    NO_SUCH_KERNEL,
    ONE_BYTE,
    `That unmapping for another thread upsets the count: ${ANALYSIS}`,
  ],
  build,
  story: [
    {
      title: 'The pointer is queued.',
      text: (_policies, k) =>
        `submitter maps the page with ${localCall(k)}(), for itself, and queues the pointer to worker: a work item, as it did with kmap(). ${registerText(k, 0)}, ${registerText(k, 1)}.`,
      acts: [mapsForItself('submitter', PAGE)],
    },
    {
      title: 'Another thread uses it.',
      text: (_policies, k) =>
        isDead(k, 'worker')
          ? `worker writes by the pointer. That ${fate(k, 'worker', PAGE, 0x22)}. ${lastLine(k)} Nothing there names submitter, whose call was converted.`
          : hasKeys(k)
            ? `worker writes by the pointer, and it ${fate(k, 'worker', PAGE, 0x22)}. ${lastLine(k)}`
            : `worker writes by the pointer, and it ${fate(k, 'worker', PAGE, 0x22)}: without keys the mistake is invisible to whoever tests.`,
      acts: [writesBy('worker', 'submitter', PAGE, 0x22)],
    },
    {
      title: 'And unmaps it.',
      text: (_policies, k) =>
        isDead(k, 'worker')
          ? `submitter unmaps the page itself, and its window closes: ${registerText(k, 0)}.`
          : hasKeys(k)
            ? `worker is through, and unmaps for submitter: its own count was 0, and is 4294967295 now. The window of submitter stays open: ${registerText(k, 0)}.`
            : `worker is through, and unmaps. The page holds ${byteIn(k, PAGE)}.`,
      acts: [
        unmaps('worker', 'submitter'),
        { ...unmaps('submitter'), when: (k) => isDead(k, 'worker') },
      ],
    },
  ],
}
