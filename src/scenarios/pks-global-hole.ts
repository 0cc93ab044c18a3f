import { pksOf } from '../linux/arch/x86/mm/pkeys'
import { pkrsText } from '../linux/arch/x86/pkeys'
import type { Kernel } from '../linux/kernel'
import { bootPksMachine } from './pks-machine'
import {
  byteIn,
  callForAll,
  costText,
  fate,
  mapsForAll,
  NO_SUCH_KERNEL,
  ONE_BYTE,
  OTHER,
  PAGE,
  registerText,
  strays,
  unmaps,
} from './pks-story'
import type { Scenario, Setup } from './scenario'

const build = (setup: Setup): Kernel => bootPksMachine(setup, { threads: ['holder', 'buggy'] })

const globalText = (k: Kernel): string => pkrsText(pksOf(k).pkrs_global_cache)

/** True if a mapping is open for every thread. */
const isGlobal = (k: Kernel): boolean =>
  k.kernelMappings.find(({ global }) => global === 1) !== undefined

/** W14 of the PKS sheet. */
export const pksGlobalHole: Scenario = {
  name: 'pks-global-hole',
  title: 'The hole of a global kmap()',
  question:
    'One thread maps a page of pmem for everybody. May a stray pointer of another thread write other pages meanwhile?',
  preset: 'pks-rfc-2020',
  policies: ['pks', 'pksFault', 'kmapOption', 'pksRestrict'],
  params: {},
  simplified: [
    NO_SUCH_KERNEL,
    ONE_BYTE,
    'An IPI is one step, where interrupts are on. Cost is counted, not timed: an IPI is 3 to 5 µs, or 100 µs from deep idle.',
  ],
  build,
  story: [
    {
      title: 'A mapping for everybody.',
      text: (_policies, k) =>
        isGlobal(k)
          ? `holder calls ${callForAll(k)}(). That opens the key in the global value, ${globalText(k)}, and in its own. No other CPU is told: ${registerText(k, 1)}.`
          : `holder calls ${callForAll(k)}(). Here it is not global: ${registerText(k, 0)}, ${registerText(k, 1)}.`,
      acts: [mapsForAll('holder', PAGE)],
    },
    {
      title: 'A stray write to another page.',
      text: (_policies, k) =>
        isGlobal(k)
          ? `buggy writes a page that nobody has mapped, and faults. The handler reads the global value, and cannot tell a holder of a global mapping from a stray pointer: it gives the rights to the frame, and the instruction runs again. The write ${fate(k, 'buggy', OTHER, 0xbd)}; ${registerText(k, 1)}.`
          : `buggy writes a page that nobody has mapped. The write ${fate(k, 'buggy', OTHER, 0xbd)}.`,
      acts: [strays('buggy', OTHER, 0xbd)],
    },
    {
      title: 'More of them.',
      text: (_policies, k) =>
        `A second stray write of buggy ${fate(k, 'buggy', OTHER + 1, 0xbe)}. ${isGlobal(k) ? 'There is no fault any more. One key guards all of pmem: open for one page, it is open for every page. ' : ''}${costText(k)}`,
      acts: [strays('buggy', OTHER + 1, 0xbe)],
    },
    {
      title: 'The mapping is closed.',
      text: ({ pks }, k) =>
        pks === 'rfc2020' && pksOf(k).ipis > 0
          ? `The global value is ${globalText(k)} again, and every other CPU gets an IPI: ${registerText(k, 1)}. With 256 CPUs that is 1 to 25 ms for one kunmap(). ${costText(k)}`
          : `holder unmaps the page. ${registerText(k, 1)}. ${costText(k)}`,
      acts: [unmaps('holder')],
    },
    {
      title: 'Once more.',
      text: (_policies, k) =>
        `A third stray write of buggy ${fate(k, 'buggy', OTHER + 2, 0xbf)}. The page of the first one holds ${byteIn(k, OTHER)}.`,
      acts: [strays('buggy', OTHER + 2, 0xbf)],
    },
  ],
}
