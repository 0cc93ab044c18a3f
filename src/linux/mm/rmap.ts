import type { RunView } from '../../arena'
import { flush_tlb_range } from '../arch/x86/mm/tlb'
import { PMD_PAGES, PTE, type Pte } from '../arch/x86/pgtable'
import type { Kernel } from '../kernel'
import { editFolio, isAnon, isUncounted, refAdd } from './folio'
import { isGone } from './oops'

type Vma = ReturnType<Kernel['vmas']['at']>

/** A stretch of virtual pages of one address space. */
export interface Stretch {
  readonly mm: number
  readonly start: number
  readonly end: number
}

/** The VMA that covers a virtual page: find_vma() with vma_lookup()'s check. */
export const vma_lookup = (k: Kernel, mm: number, vpn: number): Vma | undefined =>
  k.vmas.find(
    (vma) => vma.vm_mm === mm && vma.detached === 0 && vma.vm_start <= vpn && vpn < vma.vm_end,
  )

/** True if there is such an area, and no munmap() has taken it out of its address space. */
export const hasArea = (k: Kernel, vma: number): boolean =>
  k.vmas.isLive(vma) && k.vmas.at(vma).detached === 0

/** Where file pages [first, last) are mapped: the walk of address_space.i_mmap, which has areas until they are unmapped. */
export function mappedStretches(k: Kernel, inode: number, first: number, last: number): Stretch[] {
  return k.vmas.rows().flatMap((vma) => {
    if (vma.vm_file !== inode) return []
    const toVpn = (page: number) => vma.vm_start + page - vma.vm_pgoff
    const start = Math.max(vma.vm_start, toVpn(first))
    const end = Math.min(vma.vm_end, toVpn(last))
    return start < end ? [{ mm: vma.vm_mm, start, end }] : []
  })
}

/**
 * unmap_mapping_range(): clears every entry that maps file pages [first, last), wherever it is. A PMD
 * that is only partly in the range is split, which for DAX clears it whole (__split_huge_pmd_locked).
 */
export function unmap_mapping_range(k: Kernel, inode: number, first: number, last: number): void {
  for (const { mm, start, end } of mappedStretches(k, inode, first, last)) zap(k, mm, start, end)
}

/** True of an entry of a private area that is about a copy of the process, not about the file. */
export const isOwnCopy = (k: Kernel, { kind, pfn }: { kind: string; pfn: number }): boolean =>
  kind !== 'leaf' || (k.pages.has(pfn) && isAnon(k, pfn))

/**
 * Clears the entries of DAX in [start, end), a PMD as a whole, and flushes TLBs: one step here. Copies
 * that a private mapping has made stay, as with even_cows=0.
 */
export function zap(k: Kernel, mm: number, start: number, end: number): void {
  const ptes = k.ptes.in(mm)
  const from = hugeStart(ptes.runs(start, start + 1)[0], start)
  const to = hugeEnd(ptes.runs(end - 1, end)[0], end)
  for (const run of ptes.runs(from, to)) {
    if (isOwnCopy(k, run)) continue
    if (k.policy.daxRefcount === 'counted') uncountDaxEntry(k, run)
    ptes.clear(run.start, run.end)
  }
  flush_tlb_range(k, mm, from, to)
}

/** From 6.15 on an entry of DAX counts in the page, or the folio, as any other: reference and _mapcount. */
export function countDaxEntry(k: Kernel, pfn: number, pages: number, by: 1 | -1): void {
  for (const { head } of k.folios.runs(pfn, pfn + pages)) {
    refAdd(k, head, by)
    editFolio(k, head, 'large_mapcount', by)
    editFolio(k, head, 'entire_mapcount', by)
  }
  k.pages.edit(pfn, pfn + pages, ({ start, pgmap, refcount, mapcount }) =>
    pgmap === 0 || k.folios.has(start) ? {} : { refcount: refcount + by, mapcount: mapcount + by },
  )
}

/** An entry goes: an oops where its page went before, with the device. What nobody counts is not looked at. */
function uncountDaxEntry(k: Kernel, { pfn, length, flags }: RunView<typeof Pte>): void {
  if (isUncounted(flags)) return
  if (!isGone(k, { pfn, pages: length }, 'zap_present_ptes', 'unmap_page_range'))
    countDaxEntry(k, pfn, length, -1)
}

type PteRun = RunView<typeof Pte> | undefined

const isHuge = (pte: PteRun): boolean => pte !== undefined && (pte.flags & PTE.pse) !== 0
const hugeStart = (pte: PteRun, vpn: number): number =>
  isHuge(pte) ? vpn - (vpn % PMD_PAGES) : vpn
const hugeEnd = (pte: PteRun, vpn: number): number =>
  isHuge(pte) ? Math.ceil(vpn / PMD_PAGES) * PMD_PAGES : vpn
