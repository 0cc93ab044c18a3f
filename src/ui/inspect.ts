import { type Change, flagsSet, type Struct, showValue } from '../arena'
import { pteValue } from '../linux/arch/x86/pgtable'
import type { Kernel } from '../linux/kernel'
import type { Target } from '../machine'
import { isThere } from '../store/menu'

/** A field of an object, as the inspector prints it. */
export interface InspectedField {
  readonly name: string
  readonly value: string
  /** Before the last step, if that changed it. */
  readonly was: string | undefined
  readonly about: string
  /** The object that a pointer points to. */
  readonly to: Target | undefined
}

/** Kinds of targets by the struct's name: what a `ref` points to. */
const targetKinds: Readonly<Record<string, string>> = {
  pipe: 'pipe',
  task_struct: 'task',
  mm_struct: 'mm',
  vm_area_struct: 'vma',
  inode: 'inode',
  super_block: 'super_block',
  nd_namespace: 'namespace',
  dev_pagemap: 'pgmap',
  resource: 'resource',
  pin_handle: 'pin',
  dax_lease: 'dax_lease',
}

const tables: Readonly<Record<string, keyof Kernel & string>> = {
  task: 'tasks',
  mm: 'mms',
  vma: 'vmas',
  inode: 'inodes',
  super_block: 'superBlocks',
  namespace: 'namespaces',
  pgmap: 'pgmaps',
  resource: 'resources',
  pin: 'pinHandles',
  dax_lease: 'daxLeases',
  pipe: 'pipes',
  zone: 'zones',
  stable_node: 'stableNodes',
  anon_vma: 'mms',
}

/** Range tables that a target has a row of, each at its key; a page is made of several. */
const ranges: Readonly<Record<string, readonly RangeName[]>> = {
  pte: ['ptes'],
  page: ['pages', 'folios', 'contents', 'holders'],
  swap_slot: ['swapMap'],
}

type RangeName = 'ptes' | 'pages' | 'folios' | 'contents' | 'holders' | 'swapMap'

interface Found {
  readonly def: Struct
  readonly row: Readonly<Record<string, unknown>>
  readonly change: (field: string) => Change | undefined
}

/** The fields of an object, or nothing if it is gone: a page without a memory map has none. */
export function inspect(k: Kernel, target: Target, changes: readonly Change[]): InspectedField[] {
  if (!isThere(k, target)) return []
  const parts = ranges[target.kind]
  if (parts === undefined) {
    const found = findRow(k, target, changes)
    return found === undefined ? [] : fieldsOf(found)
  }
  if (target.kind === 'page' && !k.pages.has(target.key ?? 0)) return []
  const fields = parts.flatMap((name) => {
    const found = findRun(k, name, target, changes)
    return found === undefined ? [] : fieldsOf(found)
  })
  return target.kind === 'pte' ? [...entryValue(k, target), ...fields] : fields
}

function fieldsOf({ def, row, change }: Found): InspectedField[] {
  return def.places.map(({ name, field }) => {
    const value = row[name]
    const before = change(name)?.before
    const show = (each: unknown): string =>
      field.kind === 'bits'
        ? flagsSet(field.flags, each as number).join(' ') || 'none'
        : showValue(field, each)
    const kind = field.kind === 'ref' ? targetKinds[field.target] : undefined
    const points = kind !== undefined && typeof value === 'number' && value !== 0
    return {
      name,
      value: show(value),
      was: before === undefined ? undefined : show(before),
      about: field.about,
      to: points ? { kind, id: value } : undefined,
    }
  })
}

/** The 64 bits of an entry, which the heap keeps as fields. */
function entryValue(k: Kernel, { id, key = 0 }: Target): InspectedField[] {
  const ptes = k.ptes.in(id)
  if (!ptes.has(key)) return []
  const value = `0x${pteValue(ptes.at(key)).toString(16).padStart(16, '0')}`
  const about = 'The 64 bits of the entry, as the hardware reads them.'
  return [{ name: 'value', value, was: undefined, about, to: undefined }]
}

function findRun(
  k: Kernel,
  name: RangeName,
  { kind, id, key = 0 }: Target,
  changes: readonly Change[],
): Found | undefined {
  const space = kind === 'pte' ? id : 0
  const range = kind === 'pte' ? k.ptes.in(id) : k[name]
  const [run] = range.runs(key, key + 1)
  if (run === undefined) return undefined
  return {
    def: range.def,
    row: run as unknown as Readonly<Record<string, unknown>>,
    change: (field) =>
      changes.find(
        ({ table, where, field: changed }) =>
          table === name &&
          changed === field &&
          where.kind === 'keys' &&
          where.space === space &&
          where.start <= key &&
          key < where.end,
      ),
  }
}

function findRow(k: Kernel, { kind, id }: Target, changes: readonly Change[]): Found | undefined {
  const name = tables[kind]
  if (name === undefined) return undefined
  const table = k[name] as unknown as {
    def: Struct
    at(id: number): Readonly<Record<string, unknown>>
  }
  return {
    def: table.def,
    row: table.at(id),
    change: (field) =>
      changes.find(
        (each) =>
          each.table === name &&
          each.field === field &&
          each.where.kind === 'row' &&
          each.where.id === id,
      ),
  }
}
