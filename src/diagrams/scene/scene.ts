import type { Kernel } from '../../linux/kernel'
import type { Target } from '../../machine'
import { rest } from '../shared/rest'
import { type Entry, entriesOf } from './entries'
import { heldPages, type PageGroup } from './pages'
import { drawnProcesses } from './processes'

/** Entries that are drawn one by one; what lies beyond is counted. */
const MAX_ENTRIES = 10

/** What of a kernel is drawn, and what is only counted: every lane asks the same, so that ribbons meet. */
export interface Scene {
  readonly k: Kernel
  /** Numbers of the address spaces. */
  readonly processes: readonly number[]
  readonly hiddenProcesses: readonly number[]
  /** By virtual address, then by process: the same address stands together. */
  readonly entries: readonly Entry[]
  readonly hiddenEntries: readonly Entry[]
  readonly pages: readonly PageGroup[]
  readonly hiddenPages: readonly PageGroup[]
}

export function sceneOf(k: Kernel): Scene {
  const all = k.mms.rows().flatMap(({ id }) => entriesOf(k, id))
  const { drawn, hidden } = drawnProcesses(k, all)
  const isDrawn = new Set(drawn)
  const own = all
    .filter(({ mm }) => isDrawn.has(mm))
    .sort((a, b) => a.run.start - b.run.start || a.mm - b.mm)
  const others = all.filter(({ mm }) => !isDrawn.has(mm))
  const pages = heldPages(k, all)
  return {
    k,
    processes: drawn,
    hiddenProcesses: hidden,
    entries: own.slice(0, MAX_ENTRIES),
    hiddenEntries: [...own.slice(MAX_ENTRIES), ...others],
    pages: pages.drawn,
    hiddenPages: pages.hidden,
  }
}

/** The marks that stand for pages [pfn, pfn + length): their cards, or the one that counts the rest. */
export function cardsOfPages({ pages, hiddenPages }: Scene, pfn: number, length: number): Target[] {
  const overlaps = ({ start, end }: PageGroup) => start < pfn + length && pfn < end
  const drawn = pages
    .filter(overlaps)
    .map(({ start }): Target => ({ kind: 'page', id: 0, key: start }))
  return hiddenPages.some(overlaps) ? [...drawn, rest.pages] : drawn
}
