import type { Kernel } from '../linux/kernel'
import { userStore } from '../linux/mm/user-access'
import {
  BLOCK,
  bootPmem,
  entryOf,
  hasOopsed,
  isIdle,
  reasonOf,
  returnOf,
  takesPgmap,
  unbinds,
} from './dax-story'
import { areaAt, counters, handleOf } from './memory-story'
import { run, seedFile, seedMapping } from './pmem-machine'
import type { Act, Scenario, Setup } from './scenario'

function build(setup: Setup): Kernel {
  const k = bootPmem(setup, {
    processes: [
      { comm: 'walker', pid: 4242 },
      { comm: 'late walker', pid: 4243 },
    ],
    admins: ['remover'],
  })
  const inode = seedFile(k, 'remover', '/mnt/a', 4096)
  for (const who of ['walker', 'late walker']) {
    seedMapping(k, who, { inode, pages: 1, pgoff: 0, label: who })
    run(k, who, userStore, { vpn: areaAt(k, who), value: 0xf1 })
  }
  return k
}

/** A reference for reading: the sync of the unbind makes the entries read-only. */
const takes = (who: string): Act => ({
  who,
  operation: 'get_user_pages_fast',
  args: (k) => ({ start: areaAt(k, who), pages: 1, write: 0, longterm: 0, force: 0 }),
})

const pgmap = (k: Kernel): string => {
  const { state, ref } = k.pgmaps.at(1)
  return state === 'exited' ? 'exited' : `${state}:${ref}`
}
const page = (k: Kernel): string => (k.pages.has(BLOCK) ? counters(k, BLOCK) : 'no struct page')
const got = (k: Kernel, who: string): number => {
  const handle = handleOf(k, who)
  return handle === 0 ? 0 : k.pinHandles.at(handle).got
}
/** Between its two looks: the pgmap reference is next, or the page’s where there is none. */
const BETWEEN = ['get_pgmap', 'try_grab']

/** W14 and W15 of the DAX sheet. */
export const gupFastAndUnbind: Scenario = {
  name: 'gup-fast-and-unbind',
  title: 'gup-fast against an unbind that clears nothing',
  question:
    'A CPU has read an entry of a DAX file and is about to take the page, when the driver goes. What keeps it from a struct page that is freed?',
  preset: 'v6.12',
  policies: ['gupPgmap', 'memunmapWait'],
  params: {},
  evidence: 'deduced',
  simplified: [
    'gup-fast runs with interrupts off, which is also a section of RCU: a grace period waits for it.',
    'The retry loop of the slow path, and the grace period inside percpu_ref_kill(), follow from the source; nobody has confirmed them as a bug or a guarantee.',
  ],
  build,
  story: [
    {
      title: 'The unbind has come to memunmap_pages().',
      text: (_policies, k) =>
        `No fault can get through any more, and the disk has been synced; the entries are ${entryOf(k, 'walker', 'walker')}. The pgmap is ${pgmap(k)}.`,
      acts: [{ ...unbinds('remover'), until: 'kill' }],
    },
    {
      title: 'A walker reads its entry.',
      text: (_policies, k) =>
        `With interrupts off, and without a lock: page 0x60400, ${page(k)}. It has taken nothing yet.`,
      acts: [{ ...takes('walker'), until: BETWEEN }],
    },
    {
      title: 'The remover kills the pgmap, and drops its references.',
      text: (_policies, k) => `The pgmap is ${pgmap(k)}. The remover ${reasonOf(k, 'remover')}.`,
      acts: [{ who: 'remover' }],
    },
    {
      title: 'The walker goes on, as far as interrupts are off.',
      text: (_policies, k) => {
        const seen = `The page: ${page(k)}`
        if (got(k, 'walker') > 0)
          return `It takes the page, looks at the entry again, finds it unchanged, and keeps the page. ${seen}.`
        return takesPgmap(k)
          ? `get_dev_pagemap() fails: the pgmap is dying. The walker gives up and has not touched the struct page. ${seen}.`
          : `It has taken nothing. ${seen}.`
      },
      acts: [{ who: 'walker', until: 'irqs_on' }],
    },
    {
      title: 'Interrupts on; the grace period ends.',
      text: (_policies, k) => {
        const waits = reasonOf(k, 'remover')
        if (waits !== '') return `The pgmap is ${pgmap(k)}: the remover ${waits}.`
        const ended = `The unbind has returned ${returnOf(k, 'remover')}; page 0x60400 has ${page(k)}`
        return got(k, 'walker') > 0
          ? `${ended}. The walker still holds a reference of it, which nobody has waited for.`
          : `${ended}. The walker goes the slow way.`
      },
      acts: [{ who: 'walker', until: 'slow' }, { who: 'remover' }],
    },
    {
      title: 'The slow path.',
      text: (_policies, k) =>
        isIdle(k, 'walker')
          ? 'The walker has returned.'
          : 'The entry is present, so the fault handler has nothing to do; the pgmap is dead, so the page cannot be taken. Look, fault, look again: it goes round for ever, until somebody kills the process.',
      acts: ['after_fault', 'follow', 'after_fault', 'follow'].map((until) => ({
        who: 'walker',
        until,
      })),
    },
    {
      title: 'A late walker comes.',
      text: (_policies, k) =>
        hasOopsed(k)
          ? 'Its entry is still present. Without a pgmap to ask it reads the struct page at once, and there is none: an oops in gup_fast_pte_range().'
          : k.pages.has(BLOCK)
            ? `It finds the entry, and a pgmap that is ${pgmap(k)}: it takes nothing on the fast path.`
            : 'It finds the entry, and no pgmap behind it: it does not touch what is not there. This is what the reference of the pgmap is for, and entries that are sure to be cleared would do as well.',
      acts: [{ ...takes('late walker'), until: ['irqs_on', 'put_pgmap'] }],
    },
  ],
}
