import { dax_mmap } from '../linux/drivers/dax/device'
import type { Kernel } from '../linux/kernel'
import { userStore } from '../linux/mm/user-access'
import {
  bootSmallDevice,
  DEVICE_PAGE,
  entryOf,
  hasOopsed,
  reasonOf,
  returnOf,
  takesPgmap,
  unbinds,
} from './dax-story'
import { areaAt, counters, handleOf } from './memory-story'
import { run } from './pmem-machine'
import type { Scenario, Setup } from './scenario'

function build(setup: Setup): Kernel {
  const k = bootSmallDevice(setup, {
    processes: [
      { comm: 'first', pid: 4242 },
      { comm: 'second', pid: 4243 },
    ],
    admins: ['remover'],
  })
  for (const who of ['first', 'second']) {
    run(k, who, dax_mmap, { inode: 1, pages: 8, pgoff: 0, label: who, private: 0 })
    run(k, who, userStore, { vpn: areaAt(k, who), value: 0x11 })
  }
  return k
}

const takes = (who: string, until?: readonly string[]) => ({
  who,
  operation: 'get_user_pages_fast',
  args: (k: Kernel) => ({ start: areaAt(k, who), pages: 1, write: 1, longterm: 0, force: 0 }),
  ...(until && { until }),
})
const page = (k: Kernel): string =>
  k.pages.has(DEVICE_PAGE) ? counters(k, DEVICE_PAGE) : 'no struct page'

/** W16 of the DAX sheet. */
export const gupFastAndZap: Scenario = {
  name: 'gup-fast-and-zap',
  title: 'gup-fast against a removal that clears every entry',
  question:
    'device_dax zaps all mappings before the struct pages go. Is the second look of gup-fast enough then, without a pgmap reference?',
  preset: 'v6.17',
  policies: ['gupPgmap', 'memunmapWait', 'tlbFlush'],
  params: {},
  evidence: 'deduced',
  simplified: [
    'The flush of the zap does not wait for gup-fast here; the grace period inside percpu_ref_kill() does, which follows from the source.',
  ],
  build,
  story: [
    {
      title: 'One walker is done, another has read its entry.',
      text: (_policies, k) =>
        `Page 0x480200: ${page(k)}. The first has its reference; the second has looked at the entry, and is about to take the page.`,
      acts: [takes('first'), takes('second', ['get_pgmap', 'try_grab'])],
    },
    {
      title: 'The remover clears every entry.',
      text: (_policies, k) =>
        `The entries: ${entryOf(k, 'first', 'first')} and ${entryOf(k, 'second', 'second')}. The page: ${page(k)}. It ${reasonOf(k, 'remover') || 'goes on'}.`,
      acts: [unbinds('remover')],
    },
    {
      title: 'The second walker takes the page, and looks again.',
      text: (_policies, k) => {
        const ends = `The slow path finds the device dead: ${returnOf(k, 'second')}, -EFAULT.`
        if (hasOopsed(k))
          return `The struct page is gone already, before anything was waited for: an oops in gup_fast_pte_range(). ${ends}`
        return takesPgmap(k)
          ? `get_dev_pagemap() fails, for the pgmap is dying: it does not even touch the page, ${page(k)}. ${ends}`
          : `The entry is not what it was, so it puts the page back: ${page(k)}. ${ends}`
      },
      acts: [{ who: 'second' }],
    },
    {
      title: 'The removal ends, or waits for the first.',
      text: (_policies, k) => {
        const waits = reasonOf(k, 'remover')
        return waits === ''
          ? `It returns ${returnOf(k, 'remover')}. The page: ${page(k)}. The first walker holds a reference of it all the same: ${k.policy.memunmapWait === 'afterwards' ? 'up to 5.1 the wait comes after the struct pages are gone' : 'from 5.18 on page references are not waited for'}, and no second look helps against a reference that came before.`
          : `The page: ${page(k)}. The remover ${waits}.`
      },
      acts: [{ who: 'remover' }],
    },
    {
      title: 'The first walker puts its page.',
      text: (_policies, k) =>
        !hasOopsed(k)
          ? `The last put ends the wait: the removal returns ${returnOf(k, 'remover')}.`
          : 'Its struct page is gone: an oops.',
      acts: [
        {
          who: 'first',
          operation: 'unpin_user_pages',
          when: (k) => handleOf(k, 'first') !== 0,
          args: (k) => ({ handle: handleOf(k, 'first') }),
        },
        { who: 'remover' },
      ],
    },
  ],
}
