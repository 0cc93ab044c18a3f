import { ref, wide } from '../../arena'
import { operation } from '../operation'
import { atWorkOn } from '../wait-holders'

/**
 * gup-fast against remove() at the grain of one shared-memory access a step: small enough to explore
 * every interleaving of six CPUs, and the same model as TLA+ and SPIN check. Page idle is 2 here, as
 * there: one for the device, one for the entry.
 */
export const gup_fast_pin_once = operation({
  name: 'gup_fast_pin_once',
  does: 'Pins the page that the entry maps, with a pgmap reference while it does so, and unpins it.',
  source: { file: 'mm/gup.c', fn: 'gup_fast_pte_range', version: '6.12' },
  leftOut: 'Interrupts, the slow path, huge pages, FOLL_PIN (this takes one plain reference).',
  params: { vpn: wide() },
  locals: { pfn: wide(), pgmap: ref('dev_pagemap') },
  entry: 'read_pte',
  steps: {
    read_pte: {
      does: 'Read the entry without any lock.',
      run(k, t) {
        const ptes = k.ptes.in(t.task.mm)
        if (!ptes.has(t.vpn)) return t.done()
        t.pfn = ptes.at(t.vpn).pfn
        return 'get_pgmap'
      },
    },
    get_pgmap: {
      does: 'Take a reference of the pgmap, unless it is dying.',
      fn: 'get_dev_pagemap',
      run(k, t) {
        const { pgmap: id } = k.pages.at(t.pfn)
        const pgmap = k.pgmaps.at(id)
        if (pgmap.state !== 'live') return t.done()
        pgmap.ref += 1
        t.pgmap = id
        return 'try_grab'
      },
    },
    try_grab: {
      does: 'Take the reference of the page speculatively.',
      fn: 'try_grab_folio_fast',
      run(k, t) {
        k.pages.at(t.pfn).refcount += 1
        return 'recheck'
      },
    },
    recheck: {
      does: 'Read the entry again: is it still the same? If not, drop the reference.',
      run(k, t) {
        const ptes = k.ptes.in(t.task.mm)
        if (ptes.has(t.vpn) && ptes.at(t.vpn).pfn === t.pfn) return 'put_pgmap'
        k.pages.at(t.pfn).refcount -= 1
        return 'put_pgmap_only'
      },
    },
    put_pgmap: {
      does: 'Drop the pgmap reference: from here the page reference stands alone.',
      fn: 'put_dev_pagemap',
      run(k, t) {
        k.pgmaps.at(t.pgmap).ref -= 1
        return 'unpin'
      },
    },
    unpin: {
      does: 'Drop the reference of the page.',
      fn: 'unpin_user_page',
      run(k, t) {
        k.pages.at(t.pfn).refcount -= 1
        return t.done()
      },
    },
    put_pgmap_only: {
      does: 'Drop the pgmap reference; nothing was pinned.',
      fn: 'put_dev_pagemap',
      run(k, t) {
        k.pgmaps.at(t.pgmap).ref -= 1
        return t.done()
      },
    },
  },
})

/** The remover of the same model. Done, it leaves the pgmap dead: that is what the property asks. */
export const remove_once = operation({
  name: 'remove_once',
  does: 'Kills the pgmap, clears the entry, and waits for page and pgmap to be idle.',
  source: { file: 'mm/memremap.c', fn: 'memunmap_pages', version: '5.12', evidence: 'deduced' },
  leftOut: 'Everything but the three accesses that race with gup-fast.',
  params: { mm: ref('mm_struct'), vpn: wide(), pfn: wide(), pgmap: ref('dev_pagemap') },
  entry: 'kill',
  steps: {
    kill: {
      does: 'Kill the pgmap: no new reference of it can be taken.',
      fn: 'percpu_ref_kill',
      run(k, t) {
        k.pgmaps.at(t.pgmap).state = 'dying'
        return 'zap'
      },
    },
    zap: {
      does: 'Clear the entry and drop the reference that it held; or leave both.',
      fn: 'unmap_mapping_range',
      run(k, t) {
        if (k.policy.removalZap === 'zap') {
          k.ptes.in(t.mm).clear(t.vpn, t.vpn + 1)
          k.pages.at(t.pfn).refcount -= 1
        }
        return 'wait_idle'
      },
    },
    wait_idle: {
      does: 'Nobody holds what remove() waits for: it is done.',
      when: {
        state: 'D',
        ready: (k, t) =>
          k.pgmaps.at(t.pgmap).ref === 0 &&
          (k.policy.removalZap === 'leave' || k.pages.at(t.pfn).refcount === 1),
        reason: (k, t) =>
          `waits for the page to be idle: refcount ${k.pages.at(t.pfn).refcount}, pgmap references ${k.pgmaps.at(t.pgmap).ref}`,
        holders: (k, t) => atWorkOn(k, t.pfn, t.task.id),
      },
      run(k, t) {
        k.pgmaps.at(t.pgmap).state = 'dead'
        return t.done()
      },
    },
  },
})
