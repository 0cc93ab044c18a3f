import { bits, int, wide } from '../../arena'
import { EBUSY, EIO } from '../include/errno'
import { MF } from '../include/mm'
import { PG } from '../include/page-flags'
import type { Kernel } from '../kernel'
import { operation } from '../operation'
import { filemap_remove_folio } from './filemap'
import { hasFlag, headOf, isAnon, isLarge, pageMapcount, refcountOf, setFlag } from './folio'
import { getAs, handOver } from './holders'
import { split_huge_page } from './huge_memory-split'
import { folio_trylock, folio_unlock, untilFolioUnlocked } from './locks'
import { isOnline, put_ref_page, untilMfMutex } from './memory-failure'
import { logFailure } from './memory-failure-action'
import { folio_isolate_lru, migrate_folio } from './migrate'
import { lru_add_drain_all, putAs } from './swap'

/** page_handle_poison(): marked, and held for good. The reference is one that is there already. */
function page_handle_poison(k: Kernel, pfn: number, from: 'tmp' | 'iso'): void {
  setFlag(k, pfn, PG.hwpoison)
  handOver(k, pfn, from, 'poison')
  k.globals.num_poisoned_pages += 1
}

/** mapping_evict_folio(): a clean page of a file that nobody maps or holds just leaves the page cache. */
function mapping_evict_folio(k: Kernel, pfn: number): boolean {
  const { mapping, index } = k.pages.at(pfn)
  const isIdle = mapping !== 0 && pageMapcount(k, pfn) === 0 && refcountOf(k, pfn) === 2
  if (!isIdle || isAnon(k, pfn) || hasFlag(k, pfn, PG.dirty)) return false
  filemap_remove_folio(k, mapping, index)
  return true
}

/** The gentle way: the page still has its data, and its memory is not trusted any more. */
export const soft_offline_page = operation({
  name: 'soft_offline_page',
  does: 'Moves the data of a page elsewhere, and never uses the page again. Nobody is signalled.',
  source: {
    file: 'mm/memory-failure.c',
    fn: 'soft_offline_page',
    version: '6.12',
    evidence: 'recorded',
  },
  leftOut: 'hugetlb, free pages that are taken off the free list, retries, writeback.',
  params: { pfn: wide(), flags: bits(MF) },
  locals: { result: int() },
  entry: 'online_page',
  steps: {
    online_page: {
      does: 'Only ordinary memory can be taken offline; a page of a device: -EIO.',
      fn: 'pfn_to_online_page',
      run(k, t) {
        if (isOnline(k, t.pfn)) return 'mutex'
        if (k.pages.has(t.pfn)) put_ref_page(k, t)
        return t.done(-EIO)
      },
    },
    mutex: {
      does: 'One error at a time. A page that is poisoned already is left as it is.',
      fn: 'mutex_lock',
      when: untilMfMutex,
      run(k, t) {
        k.globals.mf_mutex = t.task.id
        if (!hasFlag(k, t.pfn, PG.hwpoison)) return 'get_page'
        logFailure(k, t.pfn, 'page already poisoned')
        put_ref_page(k, t)
        return 'unlock_mutex'
      },
    },
    get_page: {
      does: 'Hold it, if the caller does not. On no LRU list, or not in use: -EBUSY.',
      fn: 'get_hwpoison_page',
      run(k, t) {
        if ((t.flags & MF.count_increased) === 0) {
          lru_add_drain_all(k)
          const usable = refcountOf(k, t.pfn) > 0 && hasFlag(k, headOf(k, t.pfn), PG.lru)
          t.result = -EBUSY
          if (!usable) return 'unlock_mutex'
          t.result = 0
          getAs(k, headOf(k, t.pfn), 'tmp')
        }
        return isLarge(k, t.pfn)
          ? t.call(split_huge_page, { pfn: t.pfn, holder: 'tmp' }, 'after_split')
          : 'evict'
      },
    },
    after_split: {
      does: 'A huge page that cannot be split cannot be moved in part: -EBUSY.',
      fn: 'soft_offline_in_use_page',
      run(k, t) {
        if (t.ret === 0) return 'evict'
        putAs(k, headOf(k, t.pfn), 'tmp')
        t.result = -EBUSY
        return 'unlock_mutex'
      },
    },
    evict: {
      does: 'A clean page of a file that nobody maps: it just leaves the page cache.',
      fn: 'mapping_evict_folio',
      when: untilFolioUnlocked,
      run(k, t) {
        folio_trylock(k, t.pfn, t.task.id)
        const evicted = mapping_evict_folio(k, t.pfn)
        folio_unlock(k, t.pfn)
        if (!evicted) return 'isolate'
        page_handle_poison(k, t.pfn, 'tmp')
        return 'unlock_mutex'
      },
    },
    isolate: {
      does: 'Take it off its LRU list; from here isolation holds it, and the caller’s reference goes.',
      fn: 'isolate_folio_to_list',
      run(k, t) {
        lru_add_drain_all(k)
        const isolated = isAnon(k, t.pfn) && folio_isolate_lru(k, t.pfn)
        putAs(k, t.pfn, 'tmp')
        if (isolated) return t.call(migrate_folio, { pfn: t.pfn, keep: 1 }, 'after_migrate')
        t.result = -EBUSY
        return 'unlock_mutex'
      },
    },
    after_migrate: {
      does: 'It has moved: mark the old page, and keep it. Somebody else holds it: -EBUSY, and nothing has changed.',
      fn: 'page_handle_poison',
      run(k, t) {
        if (t.ret < 0) t.result = -EBUSY
        else page_handle_poison(k, t.pfn, 'iso')
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
