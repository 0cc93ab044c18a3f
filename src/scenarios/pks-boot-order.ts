import { pksOf } from '../linux/arch/x86/mm/pkeys'
import { pkrsText } from '../linux/arch/x86/pkeys'
import type { Kernel } from '../linux/kernel'
import { bootPksMachine } from './pks-machine'
import {
  fate,
  NO_SUCH_KERNEL,
  ONE_BYTE,
  OTHER,
  PAGE,
  preempts,
  registerText,
  savedText,
  strays,
} from './pks-story'
import type { Act, Scenario, Setup } from './scenario'

const build = (setup: Setup): Kernel =>
  bootPksMachine(setup, { threads: ['kernel_init', 'kworker'], atReset: true })

const comesUp = (who: string): Act => ({ who, operation: 'setup_pks' })

const makesThread: Act = {
  who: 'kernel_init',
  operation: 'copy_thread',
  args: (k) => ({ target: k.tasks.find(({ name }) => name === 'kworker')?.id ?? 0 }),
  when: (k) =>
    k.pkrsThreads.rows().length === 1 && k.pkrsThreads.find(({ dead }) => dead === 1) === undefined,
}

const initText = (k: Kernel): string => pkrsText(pksOf(k).init)

/** W18 of the PKS sheet. */
export const pksBootOrder: Scenario = {
  name: 'pks-boot-order',
  title: 'PKRS is written too early',
  question:
    'The initial value of PKRS is computed at boot, after the first CPU has been set up. What does that CPU have, and for how long?',
  preset: 'pks-v7-2021',
  policies: ['pks', 'pksFault'],
  params: {},
  simplified: [
    NO_SUCH_KERNEL,
    ONE_BYTE,
    'What the CPUs had was reported on the list: CPU0 0, all others 55555554. That early threads keep 0 is analysis.',
    'pmem is bound from the start here, which a real kernel does later in its boot.',
  ],
  build,
  story: [
    {
      title: 'The first CPU.',
      text: ({ pks }, k) =>
        pks === 'v7'
          ? `setup_pks() writes the initial value, which nobody has computed yet: 0. The cache is 0 as well, so the write is left out. Then CR4.PKS is set: ${registerText(k, 0)}, and that allows everything.`
          : pks === 'none'
            ? `This kernel knows no keys: ${registerText(k, 0)}.`
            : `setup_pks() writes the initial value, ${initText(k)}: ${registerText(k, 0)}.`,
      acts: [comesUp('CPU0')],
    },
    {
      title: 'The early initcall.',
      text: ({ pks }, k) =>
        pks === 'v7'
          ? `Now the value is computed: ${initText(k)}. CPU0 is not told: ${registerText(k, 0)}.`
          : pks === 'none'
            ? 'There is nothing to compute.'
            : `There is nothing to compute: the value is ${initText(k)} since the kernel was compiled.`,
      acts: [
        {
          who: 'kernel_init',
          operation: 'create_initial_pkrs_value',
        },
      ],
    },
    {
      title: 'The other CPUs.',
      text: (_policies, k) => `CPU1 comes up. ${registerText(k, 0)}, ${registerText(k, 1)}.`,
      acts: [comesUp('CPU1')],
    },
    {
      title: 'A stray write on CPU0.',
      text: (_policies, k) =>
        `kernel_init, which runs since before the initcall, writes pmem by a stray pointer. The write ${fate(k, 'kernel_init', PAGE, 0xbd)}.`,
      acts: [strays('kernel_init', PAGE, 0xbd)],
    },
    {
      title: 'A later thread, and the early one on another CPU.',
      text: ({ pks }, k) =>
        pks === 'none'
          ? `kernel_init moves to CPU1. Its stray write there ${fate(k, 'kernel_init', OTHER, 0xbe)}.`
          : k.pkrsThreads.rows().length === 1
            ? 'kernel_init was killed, and nobody is left to boot the machine.'
            : `kworker is made now, and has ${savedText(k, 'kworker')}. When it gets CPU0, ${registerText(k, 0)}. kernel_init has ${savedText(k, 'kernel_init')}, and moves to CPU1: ${registerText(k, 1)}. Its stray write there ${fate(k, 'kernel_init', OTHER, 0xbe)}.`,
      acts: [
        makesThread,
        preempts('CPU0', 'kworker'),
        preempts('CPU1', 'kernel_init'),
        strays('kernel_init', OTHER, 0xbe),
      ],
    },
  ],
}
