import { describe } from 'vitest'
import { commit_store } from '../linux/drivers/cxl/region'
import { claimsNeverOverlap } from '../linux/invariants/claims-never-overlap'
import { noLoadFromNowhere } from '../linux/invariants/no-load-from-nowhere'
import { noPinWithoutPage } from '../linux/invariants/no-pin-without-page'
import { offlineReturns } from '../linux/invariants/offline-returns'
import { onlineMeansDecoded } from '../linux/invariants/online-means-decoded'
import { pin_user_pages_fast } from '../linux/mm/gup'
import { offline_pages, remove_memory } from '../linux/mm/memory_hotplug'
import {
  creates,
  deletes,
  disables,
  loads,
  offline,
  pins,
  pulls,
  resets,
  unbinds,
} from '../testing/cxl-calls'
import { bootWithPage, type CxlKernel } from '../testing/cxl-kernel'
import { cxlMistakes } from '../testing/cxl-mistakes'
import { unpins } from '../testing/dax-calls'
import { calls } from '../testing/explored'
import { gupMistakes } from '../testing/mm-mistakes'
import { findsEach, type SeededBug } from '../testing/seeded-bugs'
import { vpnOf } from '../testing/test-kernel'

/** A has pinned its page on the first card. */
function bootPinned(): CxlKernel {
  const k = bootWithPage()
  const pin = { start: vpnOf(k, 'buf'), pages: 1, write: 1, longterm: 0, force: 0 }
  k.task('A').begins(pin_user_pages_fast, pin).finishes()
  return k
}

const offlines = [147, 146, 145, 144].map(offline)
const onlines = calls('state_store', { block: 144, state: 'online_movable' })
const managed = (k: CxlKernel) => ({ A: [loads(k)], 'root shell': [disables, resets] })

/** The driver goes with its memory online; the region is deleted, and made anew. */
const rebuilt = (k: CxlKernel) => ({
  A: [loads(k)],
  'root shell': [unbinds, disables, resets, deletes, ...creates],
})

const bugs: readonly SeededBug<CxlKernel>[] = [
  {
    label: 'cxl region',
    ...cxlMistakes.unbindsOnline,
    breaks: onlineMeansDecoded,
    boot: () => bootWithPage(),
    threads: managed,
    states: 580,
    length: 23,
  },
  {
    label: 'cxl region',
    mistake: 'a region resets its decoders, and leaves its users bound',
    operation: commit_store,
    step: 'look',
    mutant(k, t, original) {
      const { state } = k.cxlRegions.at(1)
      if (state !== 'COMMIT') return original(k, t)
      k.cxlRegions.at(1).state = 'RESET_PENDING'
      return 'reset'
    },
    breaks: onlineMeansDecoded,
    boot: () => bootWithPage(),
    threads: (k) => ({ A: [loads(k)], 'root shell': [...offlines, resets, onlines] }),
    states: 508,
    length: 79,
  },
  {
    label: 'kmem',
    ...cxlMistakes.releasesAnyway,
    breaks: claimsNeverOverlap,
    boot: () => bootWithPage(),
    threads: rebuilt,
    states: 974,
    length: 128,
  },
  {
    label: 'memory_hotplug',
    mistake: 'a block goes offline, and its pages are not moved',
    operation: offline_pages,
    step: 'scan',
    mutant: () => 'offline',
    breaks: noLoadFromNowhere,
    boot: () => bootWithPage(),
    threads: managed,
    states: 580,
    length: 83,
  },
  {
    label: 'memory_hotplug',
    mistake: 'memory is removed that is not offline',
    operation: remove_memory,
    step: 'check_offlined',
    mutant: () => 'remove',
    breaks: noPinWithoutPage,
    boot: bootPinned,
    threads: () => ({ A: [unpins()], 'root shell': [unbinds] }),
    states: 27,
    length: 7,
  },
  {
    label: 'memory_hotplug',
    ...gupMistakes.staysMovable,
    breaks: offlineReturns,
    boot: () => bootWithPage(),
    threads: (k) => ({ A: [pins(k, 1)], 'root shell': [offline(144)] }),
    states: 1280,
    length: 33,
  },
  {
    label: 'the machine check',
    ...cxlMistakes.losesMachineCheck,
    breaks: noLoadFromNowhere,
    boot: () => bootWithPage({ policies: { linkDown: 'machineCheck' } }),
    threads: (k) => ({ A: [loads(k)], pciehp: [pulls] }),
    states: 28,
    length: 4,
  },
]

describe('a mistake in CXL or in memory hotplug', () => {
  findsEach(bugs)
})
