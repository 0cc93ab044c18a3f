import { type Change, flagsSet, type Struct, showValue } from '../arena'
import { pteValue } from '../linux/arch/x86/pgtable'
import { dax_make_entry } from '../linux/fs/dax-entries'
import type { Kernel } from '../linux/kernel'
import type { Target } from '../machine'
import { isThere, targetTables } from '../store/menu'

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
  dax_device: 'dax_device',
  dax_lease: 'dax_lease',
  cxl_port: 'cxl_port',
  cxl_memdev: 'cxl_memdev',
  cxl_decoder: 'cxl_decoder',
  cxl_region: 'cxl_region',
  dev_dax: 'dev_dax',
  pci_host_bridge: 'pci_host_bridge',
  pci_dev: 'pci_dev',
  bin_attribute: 'bin_attribute',
  cpu: 'cpu',
}

/** The tables of a kernel by kind of target, as what a link names is looked up. */
const tables: Readonly<Record<string, keyof Kernel & string>> = targetTables

/** Range tables that a target has a row of, each at its key; a page is made of several. */
const ranges: Readonly<Record<string, readonly RangeName[]>> = {
  pte: ['ptes'],
  page: ['pages', 'folios', 'contents', 'holders'],
  swap_slot: ['swapMap'],
  dax_entry: ['daxEntries'],
  memory_block: ['memoryBlocks'],
  direct_map: ['directMap'],
}

type RangeName =
  | 'ptes'
  | 'pages'
  | 'folios'
  | 'contents'
  | 'holders'
  | 'swapMap'
  | 'daxEntries'
  | 'memoryBlocks'
  | 'directMap'

/** Kinds whose range table has a space for each object. */
const SPACED: readonly string[] = ['pte', 'dax_entry']

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
    if (found === undefined) return []
    return target.kind === 'pgmap' ? [...fieldsOf(found), doneField(k, target)] : fieldsOf(found)
  }
  if (target.kind === 'page' && !k.pages.has(target.key ?? 0)) return []
  const fields = parts.flatMap((name) => {
    const found = findRun(k, name, target, changes)
    return found === undefined ? [] : fieldsOf(found)
  })
  return [...derived(k, target), ...fields]
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

/** What the kernel has as one word, and the heap as fields. */
function derived(k: Kernel, { kind, id, key = 0 }: Target): InspectedField[] {
  const field = (name: string, value: string, about: string): InspectedField => ({
    name,
    value,
    was: undefined,
    about,
    to: undefined,
  })
  if (kind === 'pte' && k.ptes.in(id).has(key)) {
    const value = `0x${pteValue(k.ptes.in(id).at(key)).toString(16).padStart(16, '0')}`
    return [field('value', value, 'The 64 bits of the entry, as the hardware reads them.')]
  }
  if (kind !== 'dax_entry') return []
  const { value, word } = dax_make_entry(k.daxEntries.in(id).at(key))
  return [
    field('value', `0x${value.toString(16)}`, '(pfn << DAX_SHIFT) | flags (fs/dax.c).'),
    field('slot', `0x${word.toString(16)}`, 'The word in i_pages: xa_mk_value(value).'),
  ]
}

/** The completion of a pgmap, which the release callback of its percpu_ref fires. */
function doneField(k: Kernel, { id }: Target): InspectedField {
  const { state } = k.pgmaps.at(id)
  const value = state === 'dead' || state === 'exited' ? 'completed' : 'not yet'
  const about = 'Completed by dev_pagemap_percpu_release() when the count is 0.'
  return { name: 'done', value, was: undefined, about, to: undefined }
}

function findRun(
  k: Kernel,
  name: RangeName,
  { kind, id, key = 0 }: Target,
  changes: readonly Change[],
): Found | undefined {
  const space = SPACED.includes(kind) ? id : 0
  const range = SPACED.includes(kind) ? k[name].in(id) : k[name]
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
