import { answerOf } from '../../linux/drivers/cxl/fabric'
import { PG } from '../../linux/include/page-flags'
import type { Kernel } from '../../linux/kernel'
import type { Row, Tone } from '../shared/cards'

/** What is wrong with the bytes of a page, and the tone that this gives its card. */
export interface Harm {
  readonly rows: readonly Row[]
  readonly tone: Tone | undefined
}

const ANSWERS = { all_ones: 'the link is down', decode_error: 'no decoder claims it' } as const

/** Bytes that are lost: by the flag of the struct page, on the medium, by the platform’s list; or out of reach. */
export function harmOf(k: Kernel, pfn: number): Harm {
  const answer = answerOf(k, pfn)
  const isAway = answer === 'all_ones' || answer === 'decode_error'
  const poison = [
    ...(k.pages.has(pfn) && (k.pages.at(pfn).flags & PG.hwpoison) !== 0 ? ['PG_hwpoison'] : []),
    ...(k.contents.has(pfn) && k.contents.at(pfn).poisoned === 1
      ? ['a load gets a machine check']
      : []),
    ...(k.badblocks.has(pfn) ? ['in badblocks'] : []),
  ]
  const row = (value: string, tone: Tone): Row => ({ kind: 'text', value: `✕ ${value}`, tone })
  const away = isAway ? [row(`no data: ${ANSWERS[answer]}`, 'broken')] : []
  return {
    rows: [...away, ...poison.map((value) => row(value, 'poisoned'))],
    tone: isAway ? 'broken' : poison.length > 0 ? 'poisoned' : undefined,
  }
}
