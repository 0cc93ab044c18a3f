import { flagsSet } from '../../arena'
import { PTE } from '../../linux/arch/x86/pgtable'
import { proc_iomem } from '../../linux/fs/proc/iomem'
import { GUP_PIN_COUNTING_BIAS, PG } from '../../linux/include/page-flags'
import type { Kernel } from '../../linux/kernel'
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
  if (key === 'walk') return walk(session, 'A')
  if (session.areas.has(key)) return walk(session, key)
  if (key === 'kernel_log')
    return kernel.log
      .rows()
      .slice(session.logged)
      .map(({ line }) => line)
  if (key === 'signals') return []
  if (key === 'iomem') return iomem(kernel, recorded)
  if (key === 'op') return operation(session, session.operator)
  if (isPage(recorded)) return page(session, session.pages.get(recorded.page))
  const outcome = session.outcomes.get(key)
  if (outcome === undefined) return key === 'gup' ? null : undefined
  const { task } = outcome as { task?: number }
  return task === undefined ? outcome : operation(session, task)
}

const isPage = (value: unknown): value is { page: string } =>
  typeof value === 'object' && value !== null && 'page' in value && typeof value.page === 'string'

function walk(session: Session, at: string): unknown {
  const { kernel } = session
  const { actor, vpn } = session.vpnOf(at)
  const task = kernel.tasks.find(({ name }) => name === actor)
  const ptes = kernel.ptes.in(task?.mm ?? 0)
  if (!ptes.has(vpn)) return { pte: null }
  const { flags, pfn } = ptes.at(vpn)
  const isPmd = (flags & PTE.pse) !== 0
  return {
    pte: { level: isPmd ? 'pmd' : 'pte', bits: flagsSet(PTE, flags) },
    page: page(session, pfn),
  }
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
    maybe_dma_pinned: refcount >>> 0 >= GUP_PIN_COUNTING_BIAS,
    flags: flagsSet(PG, flags),
  }
  if (pgmap === 0) return plain
  const { type, mode } = k.pgmaps.at(pgmap)
  return { ...plain, zone_device: true, pgmap: { type: `MEMORY_DEVICE_${type}`, ref_mode: mode } }
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
