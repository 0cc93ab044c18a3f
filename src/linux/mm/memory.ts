import { int, ref, wide } from '../../arena'
import { isDevicePrivate, PMD_PAGES, PTE } from '../arch/x86/pgtable'
import { daxDeviceOf } from '../drivers/dax/device'
import { dev_dax_huge_fault } from '../drivers/dax/device-fault'
import { dax_iomap_fault } from '../fs/dax'
import { VM_FAULT_FALLBACK, VM_FAULT_HWPOISON, VM_FAULT_SIGSEGV } from '../include/mm'
import { VM } from '../include/mm_types'
import type { Kernel } from '../kernel'
import { operation } from '../operation'
import { insiders } from '../wait-holders'
import { isZoneFile } from './filemap'
import { do_huge_pmd_anonymous_page, do_huge_pmd_wp_page } from './huge_memory'
import { do_anonymous_page } from './memory-anon'
import { do_cow_fault } from './memory-cow'
import { do_fault } from './memory-file'
import { do_swap_page } from './memory-swap'
import { do_wp_page } from './memory-wp'
import { migrate_to_ram } from './memremap-ref'
import { vma_lookup, zap } from './rmap'

/** True if the entry at a virtual page lets the access through without a fault. */
export function isMapped(k: Kernel, mm: number, vpn: number, write: boolean): boolean {
  const ptes = k.ptes.in(mm)
  const wanted = PTE.present | (write ? PTE.rw : 0)
  if (!ptes.has(vpn)) return false
  const { kind, flags } = ptes.at(vpn)
  return kind === 'leaf' && (flags & wanted) === wanted
}

interface Asked {
  readonly mm: number
  readonly vpn: number
  readonly write: number
  readonly unshare: number
  readonly force: number
}

/** Does the area allow the access? FOLL_FORCE may write to a private area that is read-only. */
function isAllowed(k: Kernel, vma: number, { write, force }: Asked): boolean {
  const { vm_flags } = k.vmas.at(vma)
  const forced = force === 1 && (vm_flags & (VM.shared | VM.maywrite)) === VM.maywrite
  if (write === 1) return (vm_flags & VM.write) !== 0 || forced
  return (vm_flags & (VM.read | VM.write)) !== 0 || forced
}

/** The fault path down to the page: handle_mm_fault() and what it calls, one try. */
export const handle_mm_fault = operation({
  name: 'handle_mm_fault',
  does: 'Resolves a page fault.',
  source: { file: 'mm/memory.c', fn: 'handle_mm_fault', version: '6.12' },
  leftOut:
    'NUMA hinting, userfaultfd, hugetlb, accounting; the A and D bits that a fault sets in an entry that allows the access already.',
  params: { mm: ref('mm_struct'), vpn: wide(), write: int(), unshare: int(), force: int() },
  locals: { vma: ref('vm_area_struct') },
  entry: 'find_vma',
  steps: {
    find_vma: {
      does: 'Find the area that covers the address, and check that it allows the access.',
      fn: 'lock_vma_under_rcu',
      run(k, t) {
        const vma = vma_lookup(k, t.mm, t.vpn)
        if (vma === undefined || !isAllowed(k, vma.id, t)) return t.done(VM_FAULT_SIGSEGV)
        t.vma = vma.id
        return 'huge_fault'
      },
    },
    huge_fault: {
      does: 'Is it a PMD, or can 2 MiB be mapped at once?',
      fn: '__handle_mm_fault',
      run(k, t) {
        const { vma, mm, vpn, write, unshare } = t
        const ptes = k.ptes.in(mm)
        const pmd = ptes.has(vpn) && (ptes.at(vpn).flags & PTE.pse) !== 0 ? ptes.at(vpn) : undefined
        if (pmd !== undefined && !isZoneFile(k, vma)) {
          const { pfn, flags } = pmd
          const asks = (write === 1 || unshare === 1) && (flags & PTE.rw) === 0
          if (!asks) return t.done()
          return t.call(do_huge_pmd_wp_page, { vma, mm, vpn, pfn, unshare }, 'after_huge')
        }
        if (pmd !== undefined && isMapped(k, mm, vpn, write === 1)) return t.done()
        if (isPrivateZoneFile(k, vma) && (write === 1 || unshare === 1)) {
          // Copies are made page by page. The split of a PMD of DAX clears it.
          if (pmd !== undefined) zap(k, mm, vpn, vpn + 1)
          return 'pte_fault'
        }
        if (isDeviceNode(k, vma))
          return t.call(dev_dax_huge_fault, { vma, vpn, write }, 'after_pte')
        if (hasPteTable(k, mm, vpn)) return 'pte_fault'
        if (isZoneFile(k, vma))
          return t.call(dax_iomap_fault, { vma, vpn, write, order: 9, cow: 0 }, 'after_huge')
        if (!mayBeHuge(k, vma, vpn)) return 'pte_fault'
        return t.call(do_huge_pmd_anonymous_page, { vma, mm, vpn, write }, 'after_huge')
      },
    },
    after_huge: {
      does: 'Done, or fall back to a single page.',
      fn: '__handle_mm_fault',
      run: (_k, t) => ((t.ret & VM_FAULT_FALLBACK) !== 0 ? 'pte_fault' : t.done(t.ret)),
    },
    pte_fault: {
      does: 'Read the entry without a lock: what is it, and what does it need?',
      fn: 'handle_pte_fault',
      run(k, t) {
        const { vma, mm, vpn, write, unshare } = t
        const ptes = k.ptes.in(mm)
        const isPrivate = isPrivateZoneFile(k, vma)
        if (isPrivate && write === 1 && !ptes.has(vpn))
          return t.call(do_cow_fault, { vma, mm, vpn }, 'after_pte')
        if (isZoneFile(k, vma) && !(isPrivate && ptes.has(vpn))) {
          // The entry is there, and allows it: gup asks again and again where it gets no pgmap.
          if (isMapped(k, mm, vpn, write === 1)) return t.done()
          return t.call(dax_iomap_fault, { vma, vpn, write, order: 0, cow: 0 }, 'after_pte')
        }
        if (!ptes.has(vpn)) {
          if (k.vmas.at(vma).vm_file !== 0)
            return t.call(do_fault, { vma, mm, vpn, write }, 'after_pte')
          return t.call(do_anonymous_page, { vma, mm, vpn, write }, 'after_pte')
        }
        const { kind, pfn, flags } = ptes.at(vpn)
        if (kind === 'hwpoison') return t.done(VM_FAULT_HWPOISON)
        if (kind === 'swap')
          return t.call(do_swap_page, { vma, mm, vpn, offset: pfn, write }, 'after_pte')
        if (isDevicePrivate({ kind }))
          return t.call(migrate_to_ram(k), { mm, vpn, pfn }, 'after_pte')
        if (kind !== 'leaf') return 'wait_migration'
        const asks = (write === 1 || unshare === 1) && (flags & PTE.rw) === 0
        if (!asks) return t.done()
        return t.call(do_wp_page, { vma, mm, vpn, pfn, flags, unshare }, 'after_pte')
      },
    },
    wait_migration: {
      does: 'The page has moved: try again.',
      fn: 'migration_entry_wait',
      when: {
        state: 'D',
        ready: (k, t) => {
          const ptes = k.ptes.in(t.mm)
          return !ptes.has(t.vpn) || !ptes.at(t.vpn).kind.startsWith('migration')
        },
        reason: () => 'waits for the page to be migrated: its entry is a migration entry',
        holders: (k, t) => migrators(k, k.ptes.in(t.mm).at(t.vpn).pfn),
      },
      run: (_k, t) => t.done(),
    },
    after_pte: {
      does: 'Return what came of it.',
      fn: 'handle_pte_fault',
      run: (_k, t) => t.done(t.ret),
    },
  },
})

/** Who moves a page, or splits the huge page that it is part of. */
const migrators = (k: Kernel, pfn: number) =>
  insiders(k, ({ operation, locals }) => {
    const isIn = (start: unknown, pages: number) =>
      Number(start) <= pfn && pfn < Number(start) + pages
    switch (operation.name) {
      case 'migrate_folio':
        return isIn(locals['pfn'], 1)
      case 'migrate_vma':
        return isIn(locals['source'], 1)
      case 'split_huge_page':
        return isIn(locals['head'], PMD_PAGES)
      case 'migrate_pages':
        return isIn(locals['start'], Number(locals['end']) - Number(locals['start']))
      default:
        return false
    }
  })

/** True of a private mapping of a DAX file: what is written to it, the file never sees. */
const isPrivateZoneFile = (k: Kernel, vma: number): boolean =>
  isZoneFile(k, vma) && (k.vmas.at(vma).vm_flags & VM.shared) === 0

/** True if the area maps a device-dax node. */
const isDeviceNode = (k: Kernel, vma: number): boolean => {
  const { vm_file } = k.vmas.at(vma)
  return vm_file !== 0 && daxDeviceOf(k, vm_file) !== undefined
}

/** A PMD that points to a table of entries cannot become a leaf. */
function hasPteTable(k: Kernel, mm: number, vpn: number): boolean {
  const start = vpn - (vpn % PMD_PAGES)
  const runs = k.ptes.in(mm).runs(start, start + PMD_PAGES)
  return runs.some(({ flags }) => (flags & PTE.pse) === 0)
}

/** thp_vma_allowable_order(): an anonymous area that asked for huge pages, and covers all of this one. */
function mayBeHuge(k: Kernel, vma: number, vpn: number): boolean {
  const { vm_flags, vm_file, vm_start, vm_end } = k.vmas.at(vma)
  const start = vpn - (vpn % PMD_PAGES)
  const covers = vm_start <= start && start + PMD_PAGES <= vm_end
  return vm_file === 0 && (vm_flags & VM.hugepage) !== 0 && covers
}
