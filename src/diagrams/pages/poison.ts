import { PG } from '../../linux/include/page-flags'
import type { Kernel } from '../../linux/kernel'
import { isPoisoned } from '../../linux/mm/contents'
import type { Row } from '../shared/cards'

/** What is known of lost bytes: the flag of the struct page, the medium itself, and the platform’s list. */
export function poisonRows(k: Kernel, pfn: number): Row[] {
  const says = [
    ...(k.pages.has(pfn) && (k.pages.at(pfn).flags & PG.hwpoison) !== 0 ? ['PG_hwpoison'] : []),
    ...(isPoisoned(k, pfn) ? ['a load gets a machine check'] : []),
    ...(k.badblocks.has(pfn) ? ['in badblocks'] : []),
  ]
  return says.map((value) => ({ kind: 'text', value: `✕ ${value}`, tone: 'poisoned' }))
}
