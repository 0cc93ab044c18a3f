import { PMD_PAGES } from '../../linux/arch/x86/pgtable'
import { PAGE_SIZE } from '../../linux/include/mm'
import { errnoCanonical } from './errno-text'
import type { RecordedStep } from './record'
import type { Session } from './session'

/** A field that the kernel showed, and what the engine shows in its place. */
export interface Observed {
  /** Group and step: `unbind 3`. */
  readonly record: string
  readonly field: string
  readonly kernel: unknown
  readonly engine: unknown
}

/** A field that was compared: pages agree by name, log lines without their offsets. */
export interface Compared extends Observed {
  readonly agrees: boolean
}

/** Hints of page ageing, which depend on timing. */
const AGEING = new Set(['active', 'referenced', 'workingset'])

/** Where a page lies differs from run to run; pages are compared by name. A setting was only read, and what a group will ask for is not yet done. */
const NOT_COMPARED = new Set(['pfn', 'page_pfn', 'pid', 'vaddr', 'thp_enabled', 'request'])

/** Compares all that the record shows, leaf by leaf. */
export function compare(
  step: RecordedStep,
  engine: Readonly<Record<string, unknown>>,
  session: Session,
): Compared[] {
  const compared: Compared[] = []
  const record = `${step.group} ${step.n}`
  const leaf = (field: string, kernel: unknown, mine: unknown, agrees: boolean) => {
    compared.push({ record, field, kernel, engine: mine ?? null, agrees })
  }
  const both = (field: string, key: string, kernel: unknown, mine: unknown): void => {
    if (NOT_COMPARED.has(key)) return
    if (Array.isArray(kernel) && kernel.some(isObject)) {
      const list = Array.isArray(mine) ? mine : []
      leaf(`${field}.length`, kernel.length, list.length, kernel.length === list.length)
      kernel.forEach((each, i) => {
        both(`${field}.${i}`, key, each, list[i])
      })
      return
    }
    if (key === 'addr') {
      leaf(field, kernel, mine, sameAddress(session, kernel, mine))
      return
    }
    if (key === 'kernel_log') {
      const [recorded, own] = [named(kernel, session.recordedPfns), named(mine, session.pages)]
      leaf(field, kernel, mine, sameLeaf(key, recorded, own))
      return
    }
    if (!isObject(kernel)) {
      leaf(field, kernel, mine, sameLeaf(key, kernel, mine))
      return
    }
    if (typeof kernel['page'] === 'string') {
      if (!session.recordedPfns.has(kernel['page']))
        session.recordedPfns.set(kernel['page'], Number(kernel['pfn']))
      samePage(kernel['page'], `${field}.page`, mine)
    }
    for (const [name, value] of Object.entries(kernel))
      if (!(name === 'page' && typeof value === 'string'))
        both(
          field === '' ? name : `${field}.${name}`,
          name,
          value,
          isObject(mine) ? mine[name] : undefined,
        )
  }
  /** The first sight of a name ties it to a page; from then on they must stay together. */
  const samePage = (name: string, field: string, mine: unknown): void => {
    const pfn = isObject(mine) && typeof mine['pfn'] === 'number' ? mine['pfn'] : undefined
    const isTaken = [...session.pages].some(([other, page]) => page === pfn && other !== name)
    if (!session.pages.has(name) && pfn !== undefined && !isTaken) session.pages.set(name, pfn)
    leaf(field, name, pfn, pfn !== undefined && session.pages.get(name) === pfn)
  }
  both('', '', drained(step.see) as Plain, drained(engine))
  return compared
}

/** Addresses differ from run to run, but not within a page; nor within 2 MiB where those are mapped at once. */
function sameAddress(session: Session, kernel: unknown, engine: unknown): boolean {
  const mine = Number(engine)
  const area = session.kernel.vmas.find(
    ({ vm_start, vm_end }) => vm_start <= mine / PAGE_SIZE && mine / PAGE_SIZE < vm_end,
  )
  const isHuge = area !== undefined && area.vm_end - area.vm_start >= PMD_PAGES
  const unit = isHuge ? PAGE_SIZE * PMD_PAGES : PAGE_SIZE
  return Number(kernel) % unit === mine % unit
}

/** Log lines with pages by name, `P1+5`, as far as a name is known: where they lie differs from run to run. */
function named(lines: unknown, pages: ReadonlyMap<string, number>): unknown {
  if (!Array.isArray(lines)) return lines
  const known = [...pages].sort(([, a], [, b]) => b - a)
  return lines.map((line) =>
    String(line).replace(/(Memory failure: )(0x[0-9a-f]+)/, (_whole, says: string, pfn: string) => {
      const page = known.find(
        ([, first]) => first <= Number(pfn) && Number(pfn) < first + PMD_PAGES,
      )
      return says + (page === undefined ? pfn : `${page[0]}+${Number(pfn) - page[1]}`)
    }),
  )
}

/**
 * An anonymous page without the lru flag still sits in a per-CPU batch, which holds a reference. When
 * a batch drains is chance, so both sides are compared as if it had.
 */
function drained(seen: unknown): unknown {
  if (!isObject(seen)) return seen
  const fields = Object.fromEntries(
    Object.entries(seen).map(([key, value]) => [key, drained(value)]),
  )
  const { flags, refcount } = fields
  const waits =
    Array.isArray(flags) &&
    flags.includes('swapbacked') &&
    !flags.includes('lru') &&
    typeof refcount === 'number' &&
    refcount > 0
  return waits ? { ...fields, flags: [...flags, 'lru'], refcount: refcount - 1 } : fields
}

type Plain = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Plain =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function sameLeaf(key: string, kernel: unknown, engine: unknown): boolean {
  if (Array.isArray(kernel))
    return Array.isArray(engine) && sameList(key, kernel.map(String), engine.map(String))
  if (key === 'errno') return errnoCanonical(String(kernel)) === engine
  return kernel === engine
}

function sameList(key: string, kernel: readonly string[], engine: readonly string[]): boolean {
  if (key === 'flags' || key === 'bits') return sameText(stable(kernel), stable(engine))
  if (key === 'kernel_log') return sameText(kernel.map(withoutOffsets), engine.map(withoutOffsets))
  return sameText(kernel, engine)
}

const stable = (flags: readonly string[]): string[] =>
  flags.filter((flag) => !AGEING.has(flag)).sort()

const sameText = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((text, i) => text === b[i])

/** Log lines carry offsets, line numbers and process ids, which belong to one build and one run. */
const withoutOffsets = (line: string): string =>
  line
    .replace(/\+0x[0-9a-f]+\/0x[0-9a-f]+/g, '')
    .replace(/(\.c):\d+/g, '$1')
    .replace(/CPU: \d+ PID: \d+/, 'CPU and PID')
    .replace(/(Sending SIGBUS to) \w+:\d+/, '$1 the process')
