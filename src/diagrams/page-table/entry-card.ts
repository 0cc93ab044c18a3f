import type { Change } from '../../arena'
import { isPresent, PMD_PAGES, PTE, pteValue } from '../../linux/arch/x86/pgtable'
import { PAGE_SIZE } from '../../linux/include/mm'
import type { Kernel } from '../../linux/kernel'
import { isZeroPage } from '../../linux/mm/folio'
import { ptlHolder } from '../../linux/mm/locks'
import type { Finding } from '../../machine'
import type { Entry } from '../scene/entries'
import { processName, taskName } from '../scene/names'
import type { CardView, Row } from '../shared/cards'
import { wasAtKey } from '../shared/changed'
import { hex, hexWord, pageRange } from '../shared/format'
import { bitCells } from './bits'
import { indicesOf } from './indices'

interface Context {
  readonly k: Kernel
  readonly changes: readonly Change[]
  readonly findings: readonly Finding[]
  /** The card before shows an entry for the same address: the address stands above that one. */
  readonly isSameAddress: boolean
}

/** An entry with its bits, its value, and what it names. */
export function entryCard(entry: Entry, context: Context): CardView {
  const { k, changes, findings, isSameAddress } = context
  const { mm, run } = entry
  const broken = brokenText(k, entry, findings)
  const isOne = k.mms.rows().length === 1
  const rows: Row[] = [
    { kind: 'bits', bits: bitCells(entry, wasAtKey(changes, 'ptes', mm, run.start, 'flags')) },
    namedRow(k, entry),
  ]
  if (isMemory(entry)) rows.push(valueRow(entry))
  rows.push(...lockRows(k, mm, run.start))
  if (broken !== undefined) rows.push({ kind: 'text', value: broken, tone: 'broken' })
  return {
    target: { kind: 'pte', id: mm, key: run.start },
    ...(isSameAddress ? {} : { above: pathText(run.start, isPmd(entry), isOne) }),
    title: isOne ? entryName(entry) : `${entryName(entry)} of ${processName(k, mm)}`,
    side: sideText(entry),
    tone: broken !== undefined ? 'broken' : run.kind === 'hwpoison' ? 'poisoned' : 'plain',
    rows,
  }
}

const isPmd = ({ run }: Entry): boolean => (run.flags & PTE.pse) !== 0

/** Entries of DAX have no value here: their struct pages are what matters, and one run may be many. */
const isMemory = ({ run }: Entry): boolean => run.gen === 0 && (run.flags & PTE.devmap) === 0

function entryName(entry: Entry): string {
  const { pmd, pte } = indicesOf(entry.run.start)
  const name = isPmd(entry) ? `PMD ${pmd}` : `PTE ${pte}`
  const count = isPmd(entry) ? entry.run.length / PMD_PAGES : entry.run.length
  return count > 1 ? `${name} and ${count - 1} more` : name
}

/** The way through the tables; the address itself where several processes may have it. */
export function pathText(vpn: number, isPmdLeaf: boolean, isOne: boolean): string {
  const { pgd, pud, pmd, pte } = indicesOf(vpn)
  if (isOne) return `PGD ${pgd} › PUD ${pud}${isPmdLeaf ? '' : ` › PMD ${pmd}`}`
  const path = [pgd, pud, pmd, ...(isPmdLeaf ? [] : [pte])]
  return `va ${hex(vpn * PAGE_SIZE)} = ${path.join(' › ')}`
}

const KINDS = {
  swap: 'swap entry',
  migration_read: 'migration entry, read',
  migration_read_exclusive: 'migration, exclusive',
  migration_write: 'migration entry, write',
  hwpoison: 'hwpoison entry',
  device_private_read: 'device-private, read',
  device_private_write: 'device-private, write',
} as const

function sideText(entry: Entry): string {
  const { run } = entry
  if (run.kind !== 'leaf') return KINDS[run.kind]
  if ((run.flags & PTE.present) === 0 && isPresent(run)) return 'PROT_NONE'
  return isPmd(entry) ? 'leaf, 2 MiB' : 'leaf, 4 KiB'
}

function namedRow(k: Kernel, { run }: Entry): Row {
  if (run.kind === 'swap') return { kind: 'text', label: 'swap slot', value: String(run.pfn) }
  const isZero = run.kind === 'leaf' && k.pages.has(run.pfn) && isZeroPage(k, run.pfn)
  const value = pageRange(run.pfn, run.length)
  return { kind: 'text', label: 'pfn', value: isZero ? `${value}, the zero page` : value }
}

const valueRow = ({ run }: Entry): Row => ({
  kind: 'text',
  label: run.length > 1 ? 'first value' : 'value',
  value: hexWord(pteValue(run)),
})

/** Who is inside the page table that the entry is in. */
export function lockRows(k: Kernel, mm: number, vpn: number): Row[] {
  const holder = ptlHolder(k, mm, vpn)
  return holder === 0
    ? []
    : [
        {
          kind: 'text',
          label: 'page table lock',
          value: `held by ${taskName(k, holder)}`,
          tone: 'pinned',
        },
      ]
}

/** Why an entry is drawn as broken: a property names it, or it maps what has no struct page. */
export function brokenText(
  k: Kernel,
  entry: Entry,
  findings: readonly Finding[],
): string | undefined {
  const { mm, run } = entry
  const named = findings.find(
    ({ table, id, key = -1 }) => table === 'ptes' && id === mm && run.start <= key && key < run.end,
  )
  if (named !== undefined) return named.says
  const isStale = !isMemory(entry) && !k.pages.covers(run.pfn, run.pfn + run.length)
  return isStale ? 'still present; no struct page is behind it' : undefined
}
