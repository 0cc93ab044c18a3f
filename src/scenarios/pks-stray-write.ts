import { pksOf } from '../linux/arch/x86/mm/pkeys'
import type { Kernel } from '../linux/kernel'
import { bootPksMachine, RAM } from './pks-machine'
import {
  byteIn,
  fate,
  lastLine,
  mapsForItself,
  NO_SUCH_KERNEL,
  ONE_BYTE,
  PAGE,
  reads,
  registerText,
  strays,
  unmaps,
  writesBy,
} from './pks-story'
import type { Scenario, Setup } from './scenario'

/** A page of ordinary memory. */
const ORDINARY = RAM.start + 0x100

const build = (setup: Setup): Kernel => bootPksMachine(setup, { threads: ['writer', 'buggy'] })

/** True if the block holds what nobody meant to write, and has been read. */
const isFound = (k: Kernel): boolean => k.unguarded.has(PAGE) && k.unguarded.at(PAGE).consumed === 1

/** §4.2 of the PKS sheet. */
export const pksStrayWrite: Scenario = {
  name: 'pks-stray-write',
  title: 'A stray write to persistent memory',
  question:
    'A kernel thread writes through a pointer that went astray, into pmem. Who notices, and when?',
  preset: 'v6.12',
  policies: ['pks', 'pksFault'],
  params: {},
  simplified: [
    NO_SUCH_KERNEL,
    ONE_BYTE,
    'The checksum is that of the last write that was meant. A reset brings the same threads back.',
  ],
  build,
  story: [
    {
      title: 'A write that is meant.',
      text: ({ pks }, k) =>
        pks === 'none'
          ? 'The direct map has the page with an ordinary writable entry. writer maps it, which on 64 bits only takes the address, writes 0x11, and unmaps it.'
          : `The entry of the page has key 1, and PKRS denies that key. writer maps the page, which opens the key for writer, writes 0x11, and unmaps it. ${registerText(k, 0)} again.`,
      acts: [
        mapsForItself('writer', PAGE),
        writesBy('writer', 'writer', PAGE, 0x11),
        unmaps('writer'),
      ],
    },
    {
      title: 'And one that is not.',
      text: ({ pks }, k) =>
        pks === 'none'
          ? `buggy follows a stray pointer to the same page: the write ${fate(k, 'buggy', PAGE, 0xbd)}. There is no fault, and no message: latent corruption.`
          : `buggy follows a stray pointer to the same page: the write ${fate(k, 'buggy', PAGE, 0xbd)}. ${lastLine(k)} The page holds ${byteIn(k, PAGE)}.`,
      acts: [strays('buggy', PAGE, 0xbd)],
    },
    {
      title: 'Ordinary memory is another matter.',
      text: ({ pks }, k) =>
        `${pks === 'none' ? 'Nor is ordinary memory protected' : 'Ordinary memory has key 0, which nothing denies'}. A stray write of writer there ${fate(k, 'writer', ORDINARY, 0xbe)}; a reset will cure it.`,
      acts: [strays('writer', ORDINARY, 0xbe)],
    },
    {
      title: 'The machine is reset.',
      text: (_policies, k) =>
        `The page of ordinary memory holds ${byteIn(k, ORDINARY)} now. That of pmem holds ${byteIn(k, PAGE)}: what is written there stays.`,
      acts: [{ who: 'CPU0', operation: 'machine_restart' }],
    },
    {
      title: 'Somebody reads the block.',
      text: (_policies, k) =>
        isFound(k)
          ? `Only now is the damage found: the checksum does not fit. ${lastLine(k)} Who did it, and in which boot, nobody can tell.`
          : `The block is read, ${byteIn(k, PAGE)}, and its checksum fits. ${pksOf(k).faults > 0 ? 'The oops came before the damage, and named who did it.' : ''}`.trim(),
      acts: [reads('writer', PAGE)],
    },
  ],
}
