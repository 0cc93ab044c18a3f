import type { Kernel } from '../../kernel'
import { memdevOf, targetsOf } from './topology'

type Region = ReturnType<Kernel['cxlRegions']['at']>

const PAGE = 4096

/** Pages in one chunk. Below 4 KiB a page would lie on several cards: it counts as one chunk. */
const chunkPages = ({ granularity }: Region): number => Math.max(1, granularity / PAGE)

interface Share {
  readonly pos: number
  /** First page of device memory, from the start of the target’s share. */
  readonly page: number
  /** First page of the region that it is. */
  readonly at: number
  readonly pages: number
}

/** Cuts pages [from, to) of a region into what each target has: whole stripes at once, edges by chunk. */
function sharesOf(region: Region, from: number, to: number): Share[] {
  const chunk = chunkPages(region)
  const { ways } = region
  const stripe = chunk * ways
  const shares: Share[] = []
  let next = from
  while (next < to) {
    const stripes = next % stripe === 0 ? Math.floor((to - next) / stripe) : 0
    if (stripes > 0) {
      for (let pos = 0; pos < ways; pos++)
        shares.push({ pos, page: (next / stripe) * chunk, at: next, pages: stripes * chunk })
      next += stripes * stripe
      continue
    }
    const number = Math.floor(next / chunk)
    const end = Math.min(to, (number + 1) * chunk)
    const page = Math.floor(number / ways) * chunk + (next % chunk)
    shares.push({ pos: number % ways, page, at: next, pages: end - next })
    next = end
  }
  return shares
}

/** The host stops decoding a region: what its pages hold is on the cards, by device address. */
export function saveMedia(k: Kernel, region: Region): void {
  const first = region.start / PAGE
  const last = first + region.size / PAGE
  const targets = targetsOf(k, region.id)
  for (const { start, end, value, rest } of k.contents.runs(first, last)) {
    if (value === 0 && rest === 0) continue
    for (const { pos, page, pages } of sharesOf(region, start - first, end - first)) {
      const target = targets.find((each) => each.pos === pos)
      if (target === undefined) continue
      const from = target.dpa_base / PAGE + page
      k.cxlMedia.in(memdevOf(k, target).id).fill(from, from + pages, { value, rest })
    }
  }
  k.contents.clear(first, last)
}

/** The host decodes a region: its pages hold what the cards have at those device addresses. */
export function showMedia(k: Kernel, region: Region): void {
  const first = region.start / PAGE
  k.contents.fill(first, first + region.size / PAGE, {})
  for (const target of targetsOf(k, region.id)) {
    const from = target.dpa_base / PAGE
    const media = k.cxlMedia.in(memdevOf(k, target).id)
    for (const run of media.runs(from, from + target.dpa_size / PAGE))
      for (let page = run.start - from; page < run.end - from; page++) {
        const pfn = first + pageOf(region, target.pos, page)
        k.contents.fill(pfn, pfn + 1, { value: run.value, rest: run.rest })
      }
    media.clear(from, from + target.dpa_size / PAGE)
  }
}

/** The page of a region at which a page of a target’s share shows. */
function pageOf(region: Region, pos: number, page: number): number {
  const chunk = chunkPages(region)
  return (Math.floor(page / chunk) * region.ways + pos) * chunk + (page % chunk)
}
