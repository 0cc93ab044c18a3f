import type { Kernel } from '../linux/kernel'
import { localCall } from '../linux/mm/highmem'
import { bootPksMachine } from './pks-machine'
import {
  ANALYSIS,
  fate,
  interrupts,
  mapsForItself,
  NO_SUCH_KERNEL,
  ONE_BYTE,
  OTHER,
  PAGE,
  registerText,
  returns,
  savedText,
  strays,
  unmaps,
} from './pks-story'
import type { Scenario, Setup } from './scenario'

const build = (setup: Setup): Kernel => bootPksMachine(setup, { threads: ['worker'], cpus: 1 })

const isLater = (pks: string | undefined): boolean => pks === 'v7' || pks === 'v10'

/** W19 of the PKS sheet. */
export const pksNestedException: Scenario = {
  name: 'pks-nested-exception',
  title: 'An NMI in an interrupt in a window',
  question:
    'A handler begins without rights to pmem. Has it still none when an exception inside it has returned?',
  preset: 'pks-v10-2022',
  policies: ['pks', 'pksFault'],
  params: {},
  simplified: [NO_SUCH_KERNEL, ONE_BYTE, ANALYSIS],
  build,
  story: [
    {
      title: 'A window is open.',
      text: (_policies, k) =>
        `worker maps a page of pmem with ${localCall(k)}(): ${registerText(k, 0)}.`,
      acts: [mapsForItself('worker', PAGE)],
    },
    {
      title: 'An interrupt.',
      text: ({ pks }, k) =>
        isLater(pks)
          ? `Entry saves the value of the thread, ${savedText(k, 'worker')}, and writes the initial one: ${registerText(k, 0)}.`
          : pks === 'rfc2020'
            ? `Entry saves what the register has, and writes the initial value: ${registerText(k, 0)}.`
            : `The handler runs: ${registerText(k, 0)}.`,
      acts: [interrupts('CPU0', 'irq')],
    },
    {
      title: 'An NMI inside.',
      text: ({ pks }, k) =>
        isLater(pks)
          ? `Entry saves the value of the thread again: ${savedText(k, 'worker')}, not that of the handler. On exit this is what is written back: ${registerText(k, 0)}, and the first handler goes on with it.`
          : `The NMI comes and returns: ${registerText(k, 0)}. ${pks === 'rfc2020' ? 'What was saved is what the register had, so the first handler has what it had.' : ''}`.trim(),
      acts: [interrupts('CPU0', 'nmi'), returns('CPU0')],
    },
    {
      title: 'A stray write of the handler.',
      text: (_policies, k) =>
        `The first handler writes another page of pmem by a stray pointer. The write ${fate(k, 'CPU0', OTHER, 0xbd)}.`,
      acts: [strays('CPU0', OTHER, 0xbd)],
    },
    {
      title: 'Back in the thread.',
      text: (_policies, k) =>
        k.pks.at(1).panicked === 1
          ? 'There is no way back.'
          : `The handler returns, and worker closes its window: ${registerText(k, 0)}.`,
      acts: [returns('CPU0'), unmaps('worker')],
    },
  ],
}
