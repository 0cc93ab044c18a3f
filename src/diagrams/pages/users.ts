import type { Kernel } from '../../linux/kernel'
import { is_zero_folio, isLarge, isZeroPage, pinBias } from '../../linux/mm/folio'
import { batchesOf, handlesOf, labelsOf, pipeBuffersOf, slotCaching } from '../../linux/mm/labels'
import { taskName } from '../scene/names'
import type { LabelLine, Row } from '../shared/cards'

/** Jason Gunthorpe’s labels of January 2021: who uses a page, and what this kernel counts for each. */
export function labelsRow(k: Kernel, pfn: number): Row {
  const labels = labelsOf(k, pfn)
  const dma = dmaCounter(k, pfn)
  const lines: LabelLine[] = [
    { name: 'ptes', count: labels.ptes, where: entryCounter(k, pfn) },
    { name: 'page pointers', count: labels.pointers, where: pointerCounter(k, pfn) },
    { name: 'DMA readers', count: labels.readers, where: dma },
    { name: 'DMA writers', count: labels.writers, where: dma },
    { name: 'of them long-term', count: labels.longterm, where: 'not told apart' },
    { name: 'other (pipes)', count: labels.other, where: pipeCounter(k, pfn) },
  ]
  return { kind: 'labels', title: 'who uses it', lines }
}

function entryCounter(k: Kernel, pfn: number): string {
  if (isZeroPage(k, pfn)) return 'not counted: zero page'
  const slot = slotCaching(k, pfn)
  if (slot !== undefined && slot.count > 0) return '_mapcount or swap_map +1'
  return isLarge(k, pfn) ? '_large_mapcount, _refcount +1' : '_mapcount +1, _refcount +1'
}

/** Names what the references are, as far as there are any. */
function pointerCounter(k: Kernel, pfn: number): string {
  const names = [
    ...(batchesOf(k, pfn) > 0 ? ['LRU batch'] : []),
    ...(slotCaching(k, pfn) === undefined ? [] : ['swap cache']),
  ]
  return names.length === 0 ? '_refcount +1' : `${names.join(', ')}: _refcount +1`
}

function dmaCounter(k: Kernel, pfn: number): string {
  if (is_zero_folio(k, pfn) && k.policy.zeroPagePin === 'notCounted')
    return 'not counted: zero page'
  const kinds = new Set(handlesOf(k, pfn).map(({ kind }) => kind))
  const pin = isLarge(k, pfn) ? '_pincount +1, _refcount +1' : `_refcount +${pinBias(k)}`
  if (kinds.has('GET')) return kinds.has('PIN') && pinBias(k) > 1 ? `${pin} or +1` : '_refcount +1'
  return pin
}

const pipeCounter = (k: Kernel, pfn: number): string =>
  pipeBuffersOf(k, pfn).some(({ kind }) => kind === 'PIN') || k.policy.vmsplice !== 'get'
    ? dmaCounter(k, pfn)
    : '_refcount +1'

/** Whether anybody has a pin: many plain references look like one. */
export const isReallyPinned = (k: Kernel, pfn: number): boolean =>
  handlesOf(k, pfn).some(({ kind }) => kind === 'PIN') ||
  pipeBuffersOf(k, pfn).some(({ kind }) => kind === 'PIN') ||
  (k.holders.has(pfn) && k.holders.at(pfn).pin > 0)

/** Momentary holders in words. `frozen` is no count: it is what `_refcount` was. */
const WORDS = {
  alloc: 'who allocated it',
  tmp: 'a fault, fork or lookup',
  try: 'gup-fast, not yet a pin',
  pin: 'a pin on its way to its caller',
  get: 'a FOLL_GET on its way to its caller',
  zap: 'an entry that is gone, not yet put',
  iso: 'reclaim or migration (isolated)',
  ksmd: 'ksmd',
} as const

/** Who holds the page for a moment only, and who has it locked. */
export function momentaryRows(k: Kernel, pfn: number): Row[] {
  if (!k.holders.has(pfn)) return []
  const holders = k.holders.at(pfn)
  const kinds = (Object.keys(WORDS) as (keyof typeof WORDS)[]).filter((kind) => holders[kind] !== 0)
  const rows = kinds.map((kind): Row => {
    const isForEver = kind === 'alloc' && isZeroPage(k, pfn)
    return {
      kind: 'text',
      label: isForEver ? 'for ever' : 'for a moment',
      value: holders[kind] === 1 ? WORDS[kind] : `${holders[kind]} × ${WORDS[kind]}`,
    }
  })
  if (holders.frozen !== 0)
    rows.push({
      kind: 'text',
      label: 'frozen',
      value: `_refcount was ${holders.frozen}`,
      tone: 'pinned',
    })
  if (holders.locker !== 0)
    rows.push({ kind: 'text', label: 'PG_locked by', value: taskName(k, holders.locker) })
  return rows
}
