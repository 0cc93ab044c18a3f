import { pksOf } from '../linux/arch/x86/mm/pkeys'
import { pkrsText } from '../linux/arch/x86/pkeys'
import type { Kernel } from '../linux/kernel'
import { bootPksMachine } from './pks-machine'
import {
  ANALYSIS,
  callForAll,
  costText,
  fate,
  isAtomic,
  isDead,
  mapsForAll,
  NO_SUCH_KERNEL,
  ONE_BYTE,
  OTHER,
  PAGE,
  preempts,
  registerText,
  savedText,
  unmaps,
  writesBy,
} from './pks-story'
import type { Scenario, Setup } from './scenario'

const THIRD = OTHER + 1

const build = (setup: Setup): Kernel =>
  bootPksMachine(setup, { threads: ['first', 'second', 'third', 'other'], cpus: 3 })

function switchText(k: Kernel, pks: string | undefined): string {
  if (isAtomic(k, 'CPU2')) return 'third is in an atomic section, so no tick takes CPU2 away.'
  const switched = 'other runs on CPU2, and then third again'
  if (pks !== 'rfc2020') return `${switched}.`
  return `${switched}: the switch writes the rights that third has, ${savedText(k, 'third')}, so ${registerText(k, 2)}.`
}

/** W16 of the PKS sheet; `third` is its variant with a context switch. */
export const pksTwoHolders: Scenario = {
  name: 'pks-two-holders',
  title: 'Two global holders',
  question:
    'Several threads have global mappings of pmem, and one closes its own. May the others still write?',
  preset: 'pks-rfc-2020',
  policies: ['pks', 'pksFault', 'kmapOption', 'pksRestrict'],
  params: {},
  simplified: [NO_SUCH_KERNEL, ONE_BYTE, ANALYSIS],
  build,
  story: [
    {
      title: 'Three of them.',
      text: ({ pks }, k) =>
        pks === 'rfc2020'
          ? `first, second and third call ${callForAll(k)}(), each for a page of its own. The global value is ${pkrsText(pksOf(k).pkrs_global_cache)}; it is one word, and counts nobody.`
          : `first, second and third call ${callForAll(k)}(), each for a page of its own. There is no global value here: ${registerText(k, 0)}.`,
      acts: [mapsForAll('first', PAGE), mapsForAll('second', OTHER), mapsForAll('third', THIRD)],
    },
    {
      title: 'One of them is through.',
      text: ({ pks }, k) =>
        pks === 'rfc2020' && pksOf(k).ipis > 0
          ? `first unmaps: its own count is 0, so the global value is closed, and every CPU is told. ${registerText(k, 1)}, although second has ${savedText(k, 'second')} and is still mapping. ${costText(k)}`
          : `first unmaps. ${registerText(k, 1)}.`,
      acts: [unmaps('first')],
    },
    {
      title: 'The second one writes.',
      text: (_policies, k) =>
        `second writes by its own mapping. That ${fate(k, 'second', OTHER, 0x22)}.`,
      acts: [writesBy('second', 'second', OTHER, 0x22)],
    },
    {
      title: 'The third one was scheduled out and in.',
      text: ({ pks }, k) =>
        `${switchText(k, pks)} third writes by its own mapping. That ${fate(k, 'third', THIRD, 0x33)}.${isDead(k, 'second') && !isDead(k, 'third') ? ' The same code, and another schedule: one holder is killed, one is not.' : ''}`,
      acts: [
        preempts('CPU2', 'other'),
        preempts('CPU2', 'third'),
        writesBy('third', 'third', THIRD, 0x33),
      ],
    },
  ],
}
