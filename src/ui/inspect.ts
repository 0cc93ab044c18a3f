import { type Change, flagsSet, type Struct, showValue } from '../arena'
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
  task_struct: 'task',
  mm_struct: 'mm',
  vm_area_struct: 'vma',
  inode: 'inode',
  super_block: 'super_block',
  nd_namespace: 'namespace',
  dev_pagemap: 'pgmap',
  resource: 'resource',
  pin_handle: 'pin',
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
}

interface Found {
  readonly def: Struct
  readonly row: Readonly<Record<string, unknown>>
  readonly change: (field: string) => Change | undefined
}

/** The fields of an object, or nothing if it is gone: a page without a memory map has none. */
export function inspect(k: Kernel, target: Target, changes: readonly Change[]): InspectedField[] {
  const found = isThere(k, target) ? find(k, target, changes) : undefined
  if (found === undefined) return []
  return found.def.places.map(({ name, field }) => {
    const value = found.row[name]
    const before = found.change(name)?.before
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

function find(
  k: Kernel,
  { kind, id, key = 0 }: Target,
  changes: readonly Change[],
): Found | undefined {
  if (kind === 'pte' || kind === 'page') {
    const range = kind === 'pte' ? k.ptes.in(id) : k.pages
    const space = kind === 'pte' ? id : 0
    const [run] = range.runs(key, key + 1)
    return (
      run && {
        def: range.def,
        row: run as unknown as Readonly<Record<string, unknown>>,
        change: (field) =>
          changes.find(
            ({ table, where, field: name }) =>
              table === (kind === 'pte' ? 'ptes' : 'pages') &&
              name === field &&
              where.kind === 'keys' &&
              where.space === space &&
              where.start <= key &&
              key < where.end,
          ),
      }
    )
  }
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
