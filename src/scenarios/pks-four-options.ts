import type { Kernel } from '../linux/kernel'
import { bootPksMachine } from './pks-machine'
import {
  byteIn,
  fate,
  isDead,
  lastLine,
  mapsAsEver,
  mapsForAll,
  NO_SUCH_KERNEL,
  ONE_BYTE,
  OTHER,
  PAGE,
  preempts,
  sleeps,
  unmaps,
  writesBy,
} from './pks-story'
import type { Scenario, Setup } from './scenario'

const build = (setup: Setup): Kernel =>
  bootPksMachine(setup, { threads: ['sleeper', 'worker', 'other'] })

/** What the call sites cost, as the cover letter of 2020 counts them. */
const churn: Readonly<Record<string, string>> = {
  atomic: 'Option 1 converts about 209 calls to kmap_atomic(), in which nobody may sleep.',
  flags: 'Option 2 gives kmap() a flag: all of about 230 calls change, and each decides.',
  kmapGlobal: 'Option 3 changes 20 to 30 calls to kmap_global(); kmap() is for the thread alone.',
  kmapThread: 'Option 4 changes about 209 calls to kmap_thread(); kmap() stays global.',
}

/** §4.6 of the PKS sheet. */
export const pksFourOptions: Scenario = {
  name: 'pks-four-options',
  title: 'Four ways to say who may use a kmap()',
  question:
    'A caller of kmap() sleeps, and another one shares its pointer. Which of the four options of 2020 breaks which of them?',
  preset: 'pks-rfc-2020',
  policies: ['kmapOption', 'pks', 'pksFault'],
  params: {},
  starts: { pksRestrict: 'balanced' },
  simplified: [
    NO_SUCH_KERNEL,
    ONE_BYTE,
    'The two callers are of the kind that nobody has converted yet; the one that shares its pointer was, where the option has a call for that.',
  ],
  build,
  story: [
    {
      title: 'A caller that sleeps.',
      text: ({ pks, kmapOption }, k) =>
        `${pks === 'rfc2020' ? `${churn[kmapOption ?? '']} ` : ''}sleeper maps a page with kmap(), and sleeps. ${lastLine(k)}`,
      acts: [mapsAsEver('sleeper', PAGE), sleeps('sleeper', 'other')],
    },
    {
      title: 'It wakes up, and writes.',
      text: (_policies, k) =>
        `sleeper runs again, and writes its page. That ${fate(k, 'sleeper', PAGE, 0x11)}.`,
      acts: [
        preempts('CPU0', 'sleeper'),
        writesBy('sleeper', 'sleeper', PAGE, 0x11),
        unmaps('sleeper'),
      ],
    },
    {
      title: 'A caller that shares, and was converted.',
      text: (_policies, k) =>
        isDead(k, 'sleeper')
          ? 'sleeper was killed, and shares nothing.'
          : `sleeper maps another page for all, by the call or flag that the option has for that, and worker writes by the pointer. That ${fate(k, 'worker', OTHER, 0x22)}.`,
      acts: [
        mapsForAll('sleeper', OTHER),
        writesBy('worker', 'sleeper', OTHER, 0x22),
        unmaps('sleeper'),
      ],
    },
    {
      title: 'A caller that shares, and was forgotten.',
      text: ({ pks, kmapOption }, k) =>
        isDead(k, 'sleeper')
          ? 'sleeper was killed.'
          : `sleeper ${pks === 'rfc2020' && kmapOption === 'flags' ? 'says by its flag that only it needs the page' : 'calls plain kmap()'}, and hands the pointer to worker. Its write ${fate(k, 'worker', PAGE, 0x33)}. The page holds ${byteIn(k, PAGE)}.${pks === 'rfc2020' && kmapOption === 'kmapThread' ? ' That is why it was chosen; and every kmap() of pmem that remains opens the key for all.' : ''}`,
      acts: [
        mapsAsEver('sleeper', PAGE),
        writesBy('worker', 'sleeper', PAGE, 0x33),
        unmaps('sleeper'),
      ],
    },
  ],
}
