import { flagsSet } from '../../arena'
import { PTE } from '../../linux/arch/x86/pgtable'
import { ownerOfBlock } from '../../linux/fs/extents'
import { proc_iomem } from '../../linux/fs/proc/iomem'
import { PG } from '../../linux/include/page-flags'
import type { Kernel } from '../../linux/kernel'
import { maybeDmaPinned } from '../../linux/mm/folio'
import { pipeBuffersOf } from '../../linux/mm/labels'
import { errnoText } from './errno-text'
import type { RecordedStep } from './record'
import type { Session } from './session'

type Seen = Readonly<Record<string, unknown>>

/** What the engine shows under each name under which the record shows something. */
export function observe(session: Session, { see }: RecordedStep): Seen {
  return Object.fromEntries(
    Object.entries(see).map(([key, value]) => [key, observeOne(session, key, value)]),
  )
}

function observeOne(session: Session, key: string, recorded: unknown): unknown {
  const { kernel } = session
  if (key === 'walk' && isByPage(recorded)) return walkPages(session, recorded)
  if (key === 'walk' || key === 'after') return session.outcomes.get(key) ?? walk(session, 'A')
  if (key === 'fiemap') return fiemap(session, recorded)
  if (key === 'phys') return barAddress(session)
  if (key === 'dev') return kernel.inodes.find(({ name }) => name === recorded)?.name
  if (session.areas.has(key)) return walk(session, key)
  if (isAccess(recorded)) return session.outcomes.get(key)
  const place = placeOf(session, key)
  if (place !== undefined) return walk(session, place.at, place.actor)
  if (key.startsWith('zero_page_')) return page(session, kernel.globals.zero_pfn)
  const identity = sameness(session, key)
  if (identity !== undefined) return identity ? 1 : 0
  if (key === 'kernel_log')
    return kernel.log
      .rows()
      .slice(session.logged)
      .map(({ line }) => line)
  if (key.endsWith('signals')) return session.outcomes.get(key) ?? []
  if (key === 'iomem') return iomem(kernel, recorded)
  if (key === 'kernel') return oops(session)
  if (key === 'op') return operation(session, session.operator) ?? null
  if (key === 'reallocated_to_file_no') return newOwner(session)
  if (isPage(recorded))
    return page(session, session.pages.get(recorded.page) ?? session.lost ?? heldPage(session))
  const outcome = session.outcomes.get(key)
  if (outcome === undefined) return key === 'gup' ? null : undefined
  const { task } = outcome as { task?: number }
  return task === undefined ? outcome : operation(session, task)
}

/** What a load or a store met with. */
const isAccess = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'access' in value

/** A walk that names pages of A: `page0`, `page2`. */
const isByPage = (value: unknown): value is Seen =>
  typeof value === 'object' && value !== null && Object.keys(value).every((key) => PAGE.test(key))

const PAGE = /^page(\d+)$/

const walkPages = (session: Session, recorded: Seen): Seen =>
  Object.fromEntries(
    Object.keys(recorded).map((key) => [key, walk(session, `A+${PAGE.exec(key)?.[1] ?? 0}`)]),
  )

/** Where the BAR is that a recording of /dev/mem is about. */
function barAddress({ kernel }: Session): string {
  const { bar } = kernel.iomemNodes.find(({ kind }) => kind === 'resource') ?? { bar: 0 }
  return `0x${kernel.resources.at(bar).start.toString(16)}`
}

const isPage = (value: unknown): value is { page: string } =>
  typeof value === 'object' && value !== null && 'page' in value && typeof value.page === 'string'

/** The page of the first pin, where a record sees it before it was ever seen mapped. */
function heldPage({ kernel }: Session): number | undefined {
  const [first] = kernel.pinHandles.rows()
  return first && kernel.pinned.in(first.id).runs()[0]?.pfn
}

/** Which of the files that are there now, counted from 1, has the block that is pinned. */
function newOwner(session: Session): number | undefined {
  const { kernel } = session
  const owner = ownerOfBlock(kernel, heldPage(session) ?? 0)
  const position = kernel.inodes.rows().findIndex(({ id }) => id === owner)
  return position < 0 ? undefined : position + 1
}

/** What an oops in the log says: where, and in which functions. */
function oops({ kernel, logged }: Session): unknown {
  const lines = kernel.log
    .rows()
    .slice(logged)
    .map(({ line }) => line)
  const at = lines.findIndex((line) => line.startsWith('BUG:'))
  if (at < 0) return undefined
  return { oops: lines[at], in: lines.slice(at + 1, at + 3).map((line) => line.split(': ')[1]) }
}

/** What walks are called: by the process, by the page of a huge page, or by the kind of mapping. */
function placeOf(session: Session, key: string): { actor?: string; at: string } | undefined {
  if (key === 'shared' || key === 'private') return { at: key === 'shared' ? 'S' : 'P' }
  const match =
    /^(?:(parent|child)(?:_(head|\d+))?|head|(?:tail_?|at|page|walk_sub|walk)(\d+))$/.exec(key)
  if (match === null || !session.areas.has('A')) return undefined
  const [, actor, part = '0', tail = part] = match
  return { ...(actor === undefined ? {} : { actor }), at: `A+${tail === 'head' ? 0 : tail}` }
}

/** Does an address show the page that it showed before, or that somebody holds? */
function sameness(session: Session, key: string): boolean | undefined {
  const now = session.pageAt('parent', 'A')
  const [first] = session.kernel.pinHandles.rows()
  const pinned = first && session.kernel.pinned.in(first.id).runs()[0]?.pfn
  switch (key) {
    case 'same_pfn':
      return now === session.before
    case 'same_pfn_as_pinned':
    case 'same_pfn_as_gotten':
    case 'parent_still_on_held_page':
      return now === pinned
    case 'parent_on_spliced_page':
      return now !== undefined && pipeBuffersOf(session.kernel, now).length > 0
    default:
      return undefined
  }
}

export function walk(session: Session, at: string, actor = session.vpnOf(at).actor): unknown {
  const { kernel } = session
  const { vpn } = session.vpnOf(at)
  const mm = session.mmOf(actor)
  if (mm === 0) return { error: 'no mm' }
  const ptes = kernel.ptes.in(mm)
  if (!ptes.has(vpn)) return { pte: null }
  const { flags, pfn, kind } = ptes.at(vpn)
  if (kind !== 'leaf') return { pte: { level: 'pte', kind, swap_entry: true } }
  const isPmd = (flags & PTE.pse) !== 0
  const level = isPmd ? 'pmd' : 'pte'
  const isNone = (flags & PTE.protnone) !== 0
  const pte = isNone ? { level, protnone: true } : { level, bits: flagsSet(PTE, flags) }
  return { pte, page: page(session, pfn) }
}

/** A struct page as the recording module printed it; `pfn` stands for the name. */
function page({ kernel: k }: Session, pfn: number | undefined): unknown {
  if (pfn === undefined) return undefined
  if (!k.pages.has(pfn)) return { pfn, struct_page: 'none' }
  const { refcount, mapcount, flags, pgmap } = k.pages.at(pfn)
  const plain = {
    pfn,
    refcount,
    mapcount,
    maybe_dma_pinned: maybeDmaPinned(k, pfn),
    flags: flagsSet(PG, flags),
  }
  if (k.folios.has(pfn)) {
    const { order, pincount, head } = k.folios.at(pfn)
    const large = { ...plain, order, pincount, tail: head !== pfn }
    return pgmap === 0 ? large : { ...large, ...deviceOf(k, pgmap) }
  }
  return pgmap === 0 ? plain : { ...plain, ...deviceOf(k, pgmap) }
}

function deviceOf(k: Kernel, pgmap: number): Seen {
  const { type, mode } = k.pgmaps.at(pgmap)
  return { zone_device: true, pgmap: { type: `MEMORY_DEVICE_${type}`, ref_mode: mode } }
}

/** How a call stands: done with a value, or asleep, where, and how it got there. */
function operation({ kernel }: Session, task: number | undefined): unknown {
  if (task === undefined) return undefined
  if (kernel.machine.isIdle(task)) {
    const { ret } = kernel.tasks.at(task)
    return { completed: 1, ret: ret < 0 ? -1 : 0, errno: errnoText(ret) }
  }
  const frames = kernel.machine.frames(task)
  const names = frames.map(({ operation: { name } }) => name)
  const sleeper = frames[0]?.step.fn
  const stack = sleeper === undefined || sleeper === names[0] ? names : [sleeper, ...names]
  const via = frames.at(-1)?.operation.via ?? []
  return {
    completed: 0,
    state: kernel.machine.waiting(task)?.state,
    wchan: stack[0],
    stack: [...stack, ...via, 'do_syscall_64', 'entry_SYSCALL_64_after_hwframe'],
  }
}

/** What `fiemap -v` of xfs_io prints: extents in sectors of 512 bytes, the last one marked. */
function fiemap({ kernel: k, files }: Session, recorded: unknown): unknown {
  const cmd = (recorded as { cmd?: string }).cmd ?? ''
  const name = /^xfs_io -r -c 'fiemap -v' (\S{1,80})$/.exec(cmd)?.[1] ?? ''
  const inode = files.get(name)
  if (inode === undefined) return { cmd, rc: 1, out: '' }
  const { start: device } = k.namespaces.at(k.superBlocks.at(k.inodes.at(inode).i_sb).device)
  const span = (page: number, pages: number) => `${page * 8}..${(page + pages) * 8 - 1}`
  const extents = k.extents.in(inode).runs()
  const lines = extents.map(({ start, length, pfn }, i) => {
    const flags = i === extents.length - 1 ? '0x1' : '0x0'
    const cells = [
      `[${span(start, length)}]:`.padEnd(16),
      span(pfn - device, length).padEnd(16),
      String(length * 8).padStart(5),
      flags.padStart(5),
    ]
    return `${String(i).padStart(4)}: ${cells.join(' ')}`
  })
  const head = ' EXT: FILE-OFFSET      BLOCK-RANGE      TOTAL FLAGS'
  return { cmd, rc: 0, out: [`${name}:`, head, ...lines].join('\n') }
}

/** Runs the grep of the recording over the engine's own /proc/iomem. */
function iomem(k: Kernel, recorded: unknown): unknown {
  const cmd = (recorded as { cmd?: string }).cmd ?? ''
  const [, after = '0', pattern = ''] =
    /^grep -iE -A(\d+) '([\w |.-]{1,80})' \/proc\/iomem$/.exec(cmd) ?? []
  const words = pattern.toLowerCase().split('|')
  const lines = proc_iomem(k).trimEnd().split('\n')
  const found = lines.map((line) =>
    words.some((word) => word !== '' && line.toLowerCase().includes(word)),
  )
  const shown = lines.filter((_, i) =>
    found.slice(Math.max(0, i - Number(after)), i + 1).some(Boolean),
  )
  return { cmd, rc: shown.length > 0 ? 0 : 1, out: shown.join('\n') }
}
