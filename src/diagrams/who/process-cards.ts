import type { Change } from '../../arena'
import { isPresent, PTE } from '../../linux/arch/x86/pgtable'
import { PAGE_SIZE } from '../../linux/include/mm'
import { TLB, VM } from '../../linux/include/mm_types'
import type { Kernel } from '../../linux/kernel'
import { taskName } from '../scene/names'
import type { Scene } from '../scene/scene'
import type { Byte, CardView, Row } from '../shared/cards'
import { hex, size } from '../shared/format'
import { byteOf } from '../shared/page-byte'
import { note, rest } from '../shared/rest'

const MAX_AREAS = 4
const MAX_TLB_ROWS = 2

type Area = ReturnType<Kernel['vmas']['at']>

/** Processes with their areas, and one card for those that are only counted. */
export const processCards = (scene: Scene, changes: readonly Change[]): CardView[] => [
  ...scene.processes.map((mm) => processCard(scene.k, mm, changes)),
  ...othersCard(scene),
]

function processCard(k: Kernel, mm: number, changes: readonly Change[]): CardView {
  const { comm, pid } = k.mms.at(mm)
  return {
    target: { kind: 'mm', id: mm },
    title: comm,
    side: `pid ${pid}`,
    tone: 'plain',
    rows: [...areas(k, mm, changes), ...stateRows(k, mm), ...staleTlb(k, mm), ...signals(k, mm)],
  }
}

/** Processes without a card, and how many of them map which page. */
function othersCard({ hiddenProcesses, hiddenEntries }: Scene): CardView[] {
  const count = hiddenProcesses.length
  if (count === 0) return []
  const hidden = new Set(hiddenProcesses)
  const byPage = new Map<number, Set<number>>()
  for (const { mm, run } of hiddenEntries)
    if (run.kind === 'leaf' && hidden.has(mm))
      byPage.set(run.pfn, (byPage.get(run.pfn) ?? new Set()).add(mm))
  const most = [...byPage].sort(([, a], [, b]) => b.size - a.size).slice(0, 2)
  const says = most.map(
    ([pfn, mms]) =>
      `${mms.size === count ? 'all of them map' : `${mms.size.toLocaleString('en')} of them map`} ${hex(pfn)}`,
  )
  return [note(rest.processes, `and ${count.toLocaleString('en')} more processes`, says)]
}

function areas(k: Kernel, mm: number, changes: readonly Change[]): Row[] {
  const mapped = k.vmas.rows().filter(({ vm_mm }) => vm_mm === mm)
  const rows = mapped.slice(0, MAX_AREAS).map((vma) => areaRow(k, vma, changes))
  const more = mapped.length - MAX_AREAS
  return more > 0
    ? [...rows, { kind: 'text', value: `and ${more} more areas`, tone: 'quiet' }]
    : rows
}

function areaRow(k: Kernel, vma: Area, changes: readonly Change[]): Row {
  const { id, label, vm_start, vm_end, vm_flags, vm_file, vm_pgoff } = vma
  const isShared = (vm_flags & VM.shared) !== 0
  const byte = seenAt(k, vma.vm_mm, vm_start, changes)
  const special = [
    ...((vm_flags & VM.mergeable) !== 0 ? ['mergeable'] : []),
    ...((vm_flags & VM.write) === 0 ? ['read-only'] : []),
  ]
  const where =
    vm_file === 0
      ? `${special.length === 0 ? 'anon, ' : ''}${hex(vm_start * PAGE_SIZE)}`
      : `${k.inodes.at(vm_file).name} + ${hex(vm_pgoff * PAGE_SIZE)}`
  return {
    kind: 'mark',
    target: { kind: 'vma', id },
    title: label,
    value: `${size((vm_end - vm_start) * PAGE_SIZE)} ${isShared ? 'MAP_SHARED' : 'MAP_PRIVATE'}`,
    sub: [where, ...special].join(', '),
    ...(byte === undefined ? {} : { byte }),
  }
}

/** What the process would read at an address: nothing where the access would fault. */
function seenAt(k: Kernel, mm: number, vpn: number, changes: readonly Change[]): Byte | undefined {
  const ptes = k.ptes.in(mm)
  if (!ptes.has(vpn)) return undefined
  const { kind, flags, pfn } = ptes.at(vpn)
  return isPresent({ kind, flags }) ? byteOf(k, pfn, changes) : undefined
}

/** What an mm_struct says about pins, fork and its lock, as far as this kernel has the fields. */
function stateRows(k: Kernel, mm: number): Row[] {
  const { has_pinned, write_protect_seq: seq, mmap_lock, mmap_readers } = k.mms.at(mm)
  const rows: Row[] = []
  if (has_pinned !== 0 && k.policy.forkCopy !== 'share')
    rows.push({ kind: 'text', label: 'MMF_HAS_PINNED', value: 'set', tone: 'pinned' })
  if (seq !== 0 && k.policy.writeProtectSeq === 'on')
    rows.push({
      kind: 'text',
      label: 'write_protect_seq',
      value: seq % 2 === 1 ? `${seq}, odd` : String(seq),
      tone: seq % 2 === 1 ? 'pinned' : 'plain',
    })
  if (mmap_lock !== 0)
    rows.push({
      kind: 'text',
      label: 'mmap_lock',
      value: `held by ${taskName(k, mmap_lock)}`,
      tone: 'pinned',
    })
  else if (mmap_readers > 0)
    rows.push({
      kind: 'text',
      label: 'mmap_lock',
      value: mmap_readers === 1 ? '1 reader' : `${mmap_readers} readers`,
    })
  return rows
}

/** What a CPU still has of an entry that reads otherwise by now; no harm while the flush is to come. */
function staleTlb(k: Kernel, mm: number): Row[] {
  const ptes = k.ptes.in(mm)
  const stale = k.tasks
    .rows()
    .filter((task) => task.mm === mm)
    .flatMap(({ id, name }) =>
      k.tlb
        .in(id)
        .runs()
        .filter(({ start, pfn, flags }) => {
          if (!ptes.has(start)) return true
          const entry = ptes.at(start)
          return !isPresent(entry) || entry.pfn !== pfn || ((flags & TLB.rw) !== 0 && !isRw(entry))
        })
        .map(({ pfn, flags }) => ({ name, pfn, isRw: (flags & TLB.rw) !== 0 })),
    )
  const tone = k.mms.at(mm).tlb_flush_pending > 0 ? 'pinned' : 'broken'
  return stale.slice(0, MAX_TLB_ROWS).map(({ name, pfn, isRw: rw }) => ({
    kind: 'text',
    label: `TLB of ${name}`,
    value: `still ${hex(pfn)}, ${rw ? 'RW' : 'RO'}`,
    tone,
  }))
}

const isRw = ({ flags }: { readonly flags: number }): boolean => (flags & PTE.rw) !== 0

function signals(k: Kernel, mm: number): Row[] {
  const threads = k.tasks.rows().filter((task) => task.mm === mm && task.signal !== 'none')
  return threads.slice(0, 2).map(({ signal, si_code }) => ({
    kind: 'text',
    value: `${signal}, ${si_code}`,
    tone: 'broken',
  }))
}
