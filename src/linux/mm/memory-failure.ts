import { int } from '../../arena'
import { EHWPOISON, ENXIO } from '../include/errno'
import { lossParams } from '../include/memory-failure'
import { MF } from '../include/mm'
import { PG } from '../include/page-flags'
import type { Kernel } from '../kernel'
import { operation } from '../operation'
import { hardwareHolds, taskHolds } from '../wait-holders'
import {
  hasFlag,
  headOf,
  isAnon,
  isLarge,
  isZoneDevice,
  pageMapcount,
  refcountOf,
  setFlag,
} from './folio'
import { getAs, handOver } from './holders'
import { split_huge_page } from './huge_memory-split'
import { folio_trylock, folio_unlock, untilFolioUnlocked } from './locks'
import { action_result, identify_page_state, logFailure } from './memory-failure-action'
import { memory_failure_dev_pagemap } from './memory-failure-dax'
import { collect_procs, kill_accessing_process, kill_procs } from './memory-failure-kill'
import { isDroppable, nextPlace, unmapPoisoned, untilNextPlace } from './memory-failure-unmap'
import { get_dev_pagemap } from './memremap-ref'
import { lru_add_drain_all, putAs } from './swap'

interface Call {
  readonly pfn: number
  readonly flags: number
}

const isRequired = ({ flags }: Call): boolean => (flags & MF.action_required) !== 0
const isCounted = ({ flags }: Call): boolean => (flags & MF.count_increased) !== 0

/** put_ref_page(): the caller’s reference goes, where it brought one. */
export function put_ref_page(k: Kernel, t: Call): void {
  if (!isCounted(t)) return
  putAs(k, headOf(k, t.pfn), 'tmp')
}

/** pfn_to_online_page(): ordinary memory, not that of a device. */
export const isOnline = (k: Kernel, pfn: number): boolean =>
  k.pages.has(pfn) && !isZoneDevice(k, pfn)

/** Waits for mf_mutex. */
export const untilMfMutex = {
  state: 'D' as const,
  ready: (k: Kernel) => k.globals.mf_mutex === 0,
  reason: (k: Kernel) => {
    const { mf_mutex } = k.globals
    return `waits for mf_mutex, which ${mf_mutex === 0 ? 'nobody' : k.tasks.at(mf_mutex).name} holds`
  },
  holders: (k: Kernel) => taskHolds(k.globals.mf_mutex),
}

/** get_hwpoison_page() of a page that nobody brought: off the free list, or one reference more. */
function get_hwpoison_page(k: Kernel, pfn: number): 'free' | 'gone' | 'unhandlable' | 'held' {
  if (k.freePages.has(pfn)) {
    k.freePages.clear(pfn, pfn + 1)
    getAs(k, pfn, 'poison')
    return 'free'
  }
  if (refcountOf(k, pfn) === 0) return 'gone'
  if (!hasFlag(k, headOf(k, pfn), PG.lru)) return 'unhandlable'
  getAs(k, headOf(k, pfn), 'poison')
  return 'held'
}

/** §5.2 and §5.3 of the DAX sheet, M1 to M10. `current` is the thread that runs it. */
export const memory_failure = operation({
  name: 'memory_failure',
  does: 'A page of memory is lost: takes it from everybody who maps it, tells them, and never uses it again.',
  source: { file: 'mm/memory-failure.c', fn: 'memory_failure', version: '6.12' },
  leftOut:
    'hugetlb, slab and mlocked pages, the hwpoison filter, retries, panic where recovery is off, and the 16-entry queue through which interrupts report; a page is taken off the free list without splitting buddies; SIGKILL where a victim’s address is unknown.',
  params: lossParams,
  locals: { result: int(), before: int(), droppable: int() },
  entry: 'mutex',
  steps: {
    mutex: {
      does: 'M1: one error at a time.',
      fn: 'mutex_lock',
      when: untilMfMutex,
      run(k, t) {
        k.globals.mf_mutex = t.task.id
        return 'online_page'
      },
    },
    online_page: {
      does: 'M2: is it ordinary memory? M3: or that of a live device? Otherwise the kernel has nothing to do with it.',
      fn: 'pfn_to_online_page',
      run(k, t) {
        if (isOnline(k, t.pfn)) return 'test_set'
        const pgmap = get_dev_pagemap(k, t.pfn)
        if (k.pages.has(t.pfn)) put_ref_page(k, t)
        if (pgmap !== undefined) {
          const { pfn, flags } = t
          return t.call(
            memory_failure_dev_pagemap,
            { pfn, flags, pgmap: pgmap.id, pages: 1 },
            'returned',
          )
        }
        logFailure(k, t.pfn, 'memory outside kernel control')
        t.result = -ENXIO
        return 'unlock_mutex'
      },
    },
    returned: {
      does: 'The handler of device memory has done what can be done.',
      run(_k, t) {
        t.result = t.ret
        return 'unlock_mutex'
      },
    },
    test_set: {
      does: 'M5: set PG_hwpoison. It was set before: a thread that has consumed the error again gets its signal.',
      fn: 'TestSetPageHWPoison',
      source: {
        file: 'mm/memory-failure.c',
        fn: 'kill_accessing_process',
        version: '6.12',
        evidence: 'memory',
        note: 'Where the thread maps the page no more, 6.12.0 returned -EFAULT; later 6.12.y return 0.',
      },
      run(k, t) {
        if (!hasFlag(k, t.pfn, PG.hwpoison)) {
          setFlag(k, t.pfn, PG.hwpoison)
          if (!isCounted(t)) return 'get_page'
          handOver(k, headOf(k, t.pfn), 'tmp', 'poison')
          return 'split'
        }
        const goesOn = isRequired(t) && !kill_accessing_process(k, t.task.id, t.pfn, t.flags)
        t.result = goesOn ? 0 : -EHWPOISON
        put_ref_page(k, t)
        action_result(k, t.pfn, 'already poisoned page', 'FAILED')
        return 'unlock_mutex'
      },
    },
    get_page: {
      does: 'M6: take a reference. A free page comes off the free list, and that is all; one that waits in an LRU batch is drained first.',
      fn: 'get_hwpoison_page',
      run(k, t) {
        let found = get_hwpoison_page(k, t.pfn)
        if (found === 'unhandlable') {
          lru_add_drain_all(k)
          found = get_hwpoison_page(k, t.pfn)
        }
        if (found === 'held') return 'split'
        if (found === 'free') t.result = action_result(k, t.pfn, 'free buddy page', 'RECOVERED')
        else if (found === 'gone')
          t.result = action_result(k, t.pfn, 'high-order kernel page', 'IGNORED')
        else t.result = action_result(k, t.pfn, 'get hwpoison page', 'IGNORED')
        return 'unlock_mutex'
      },
    },
    split: {
      does: 'M7: a huge page must be split, so that one page is lost and not 512.',
      fn: 'try_to_split_thp_page',
      run: (k, t) =>
        isLarge(k, t.pfn)
          ? t.call(split_huge_page, { pfn: t.pfn, holder: 'poison' }, 'after_split')
          : 'shake',
    },
    after_split: {
      does: 'Split; or somebody else holds it: it cannot be. Then who maps it is noted all the same.',
      fn: 'kill_procs_now',
      run(k, t) {
        if (t.ret === 0) return 'shake'
        collect_procs(k, t.task.id, { pfn: t.pfn, force: isRequired(t) })
        return 'kill_now'
      },
    },
    kill_now: {
      does: 'Signal them, with all of the 2 MiB as what is lost. The huge page stays mapped as it was.',
      fn: 'kill_procs_now',
      source: {
        file: 'mm/memory-failure.c',
        fn: 'kill_procs_now',
        version: '6.12',
        evidence: 'recorded',
      },
      run(k, t) {
        kill_procs(k, t.task.id, { forcekill: true, pfn: t.pfn, flags: t.flags })
        putAs(k, headOf(k, t.pfn), 'poison')
        action_result(k, t.pfn, 'unsplit thp', 'FAILED')
        t.result = -EHWPOISON
        return 'unlock_mutex'
      },
    },
    shake: {
      does: 'Drain the LRU batches of all CPUs, so that the page is on a list.',
      fn: 'shake_folio',
      run(k) {
        lru_add_drain_all(k)
        return 'lock_folio'
      },
    },
    lock_folio: {
      does: 'M8: lock the page, and note its flags. On no list and not under writeback: nothing more is known of it.',
      fn: 'folio_lock',
      when: untilFolioUnlocked,
      run(k, t) {
        folio_trylock(k, t.pfn, t.task.id)
        t.before = k.pages.at(t.pfn).flags
        return hasFlag(k, t.pfn, PG.lru | PG.writeback) ? 'user_mappings' : 'identify'
      },
    },
    user_mappings: {
      does: 'M9: is it mapped? A clean page of a disk file can be read again: nobody needs to be killed.',
      fn: 'hwpoison_user_mappings',
      when: {
        state: 'D',
        ready: (k, t) => !hasFlag(k, t.pfn, PG.writeback),
        reason: () => 'waits until the page has been written out',
        holders: () => hardwareHolds('the disk'),
      },
      run(k, t) {
        if (pageMapcount(k, t.pfn) === 0) return 'torn_down'
        t.droppable = isDroppable(k, t.pfn, t.flags) ? 1 : 0
        return 'collect'
      },
    },
    collect: {
      does: 'Note who maps it and is to hear of it now, while the entries still tell.',
      fn: 'collect_procs',
      run(k, t) {
        collect_procs(k, t.task.id, { pfn: t.pfn, force: isRequired(t) })
        return 'unmap'
      },
    },
    unmap: {
      does: 'The next entry that maps the page becomes a hwpoison entry; none if the page was clean, a swap entry if it is in the swap cache.',
      fn: 'try_to_unmap_one',
      when: untilNextPlace,
      run(k, t) {
        const place = nextPlace(k, t.pfn)
        if (place === undefined) return 'kill'
        return unmapPoisoned(k, t.pfn, place, t.droppable === 1) ? 'unmap' : 'kill'
      },
    },
    kill: {
      does: 'Signal the victims if data is lost: the page was dirty, or could not be unmapped, or the caller insists.',
      fn: 'kill_procs',
      run(k, t) {
        const isMapped = pageMapcount(k, t.pfn) > 0
        const isLost = hasFlag(k, t.pfn, PG.dirty) || (t.flags & MF.must_kill) !== 0
        kill_procs(k, t.task.id, { forcekill: isLost || isMapped, pfn: t.pfn, flags: t.flags })
        if (!isMapped) return 'torn_down'
        t.result = action_result(k, t.pfn, 'unmapping failed page', 'FAILED')
        return 'unlock_folio'
      },
    },
    torn_down: {
      does: 'Has truncation taken it out of its file meanwhile?',
      fn: 'memory_failure',
      run(k, t) {
        const { mapping } = k.pages.at(t.pfn)
        const isGone = mapping === 0 && !isAnon(k, t.pfn) && hasFlag(k, t.pfn, PG.lru)
        if (!isGone) return 'identify'
        t.result = action_result(k, t.pfn, 'already truncated LRU page', 'IGNORED')
        return 'unlock_folio'
      },
    },
    identify: {
      does: 'M10: what to do follows from the flags: out of the page cache, out of the swap cache, or just off the LRU list. The reference is kept for good.',
      fn: 'identify_page_state',
      run(k, t) {
        t.result = identify_page_state(k, t.pfn, t.before)
        return 'unlock_folio'
      },
    },
    unlock_folio: {
      does: 'Unlock the page.',
      fn: 'folio_unlock',
      run(k, t) {
        folio_unlock(k, t.pfn)
        return 'unlock_mutex'
      },
    },
    unlock_mutex: {
      does: 'The next error may come.',
      fn: 'mutex_unlock',
      run(k, t) {
        k.globals.mf_mutex = 0
        return t.done(t.result)
      },
    },
  },
})
