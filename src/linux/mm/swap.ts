import { ref } from '../../arena'
import { PG } from '../include/page-flags'
import type { Kernel } from '../kernel'
import { operation } from '../operation'
import { headOf, isZoneDevice, refAdd } from './folio'
import { type HolderKind, handOver } from './holders'
import {
  free_devmap_managed_page,
  free_zone_device_folio,
  isHandedOut,
  resetGenericPages,
} from './memremap-ref'
import { free_page } from './page_alloc'

/** folio_put(): drops one reference, or several; the last one frees the page. */
export function folio_put(k: Kernel, pfn: number, count = 1): void {
  refAdd(k, pfn, -count)
  const head = headOf(k, pfn)
  if (isHandedOut(k, head)) {
    free_zone_device_folio(k, head)
    return
  }
  if (k.pages.at(head).refcount !== 0) return
  if (!isZoneDevice(k, head)) {
    free_page(k, head)
    return
  }
  free_devmap_managed_page(k, head, 1)
  resetGenericPages(k, head, 1)
}

/** Puts one reference that was held as this kind; the last one frees the page. */
export function putAs(k: Kernel, pfn: number, kind: HolderKind): void {
  handOver(k, pfn, kind)
  folio_put(k, pfn)
}

/** How many pages wait in a CPU’s lru_add batch. */
export const batchLength = (k: Kernel, cpu: number): number =>
  k.lruAdd
    .in(cpu)
    .runs()
    .reduce((sum, { length }) => sum + length, 0)

/**
 * folio_add_lru(): the page waits in this CPU’s batch, which holds a reference. A full batch drains
 * itself, and a large folio does not wait.
 */
export function folio_add_lru(k: Kernel, cpu: number, pfn: number): void {
  const at = batchLength(k, cpu)
  refAdd(k, pfn, 1)
  k.lruAdd.in(cpu).fill(at, at + 1, { pfn })
  const isDisabled = k.hotplug.find(({ lru_disable_count }) => lru_disable_count > 0) !== undefined
  if (at + 1 === Number(k.policy.lruBatch) || k.folios.has(pfn) || isDisabled) lru_add_drain(k, cpu)
}

/** lru_add_drain(): this CPU’s batch goes to the LRU lists, and drops its references. */
export function lru_add_drain(k: Kernel, cpu: number): void {
  const batch = k.lruAdd.in(cpu)
  const waiting = batch.runs()
  batch.clear(0, 512)
  for (const { pfn, length } of waiting)
    for (let page = pfn; page < pfn + length; page++) {
      k.pages.at(page).flags |= PG.lru
      folio_put(k, page)
    }
}

/** lru_add_drain_all(): the batches of all CPUs. */
export function lru_add_drain_all(k: Kernel): void {
  for (const { id } of k.tasks.rows()) lru_add_drain(k, id)
}

/** A CPU drains its batch for a reason of its own: an event that the schedule chooses. */
export const lru_add_drain_cpu = operation({
  name: 'lru_add_drain_cpu',
  does: 'A CPU puts the pages of its batch on the LRU lists.',
  source: { file: 'mm/swap.c', fn: 'lru_add_drain_cpu', version: '6.12' },
  leftOut: 'The other batches: activate, deactivate, lazyfree, move_tail.',
  start: {
    label: 'Drain its LRU batch',
    on: ['task'],
    by: 'process',
    args: (k, { id }) => ({ cpu: k.tasks.at(id).id }),
    refuse: (k, { cpu }) => (k.tasks.isLive(cpu) ? undefined : 'There is no such CPU.'),
  },
  params: { cpu: ref('task_struct') },
  entry: 'drain',
  steps: {
    drain: {
      does: 'Put every page of the batch on the LRU list, and drop the batch’s reference. The list holds none.',
      fn: 'folio_batch_move_lru',
      run(k, t) {
        lru_add_drain(k, t.cpu)
        return t.done()
      },
    },
  },
})
