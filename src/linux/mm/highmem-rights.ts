import type { Context } from '../arch/x86/mm/pkeys'
import type { Kernel } from '../kernel'

/** The calls that map a page for kernel code. */
export const mapCalls = [
  'kmap',
  'kmap_thread',
  'kmap_global',
  'kmap_atomic',
  'kmap_local_page',
  'pmem',
] as const

type MapCall = (typeof mapCalls)[number]
export const mapCallOf = (name: string): MapCall | undefined =>
  mapCalls.find((call) => call === name)

/** Whom a call opens protection keys for. */
export type Window = 'none' | 'thread' | 'all'

/** What kmap() means in the series of 2020, by the option that was taken (sheet §4.6). */
function kmapOf2020(k: Kernel, global: boolean): Window {
  switch (k.policy.kmapOption) {
    case 'kmapThread':
      return 'all'
    case 'flags':
      return global ? 'all' : 'thread'
    case 'kmapGlobal':
    case 'atomic':
      return 'thread'
    default:
      return k.policy.kmapOption satisfies never
  }
}

/** Whom a call opens protected pages for; undefined where that kernel has no such call. */
export function windowOf(k: Kernel, call: MapCall, global: boolean): Window | undefined {
  const is2020 = k.policy.pks === 'rfc2020'
  const opens: Window = k.policy.pks === 'none' ? 'none' : 'thread'
  switch (call) {
    case 'kmap':
      return is2020 ? kmapOf2020(k, global) : 'none'
    case 'kmap_thread':
      return is2020 && k.policy.kmapOption === 'kmapThread' ? 'thread' : undefined
    case 'kmap_global':
      return is2020 && k.policy.kmapOption === 'kmapGlobal' ? 'all' : undefined
    case 'kmap_local_page':
      return is2020 ? undefined : opens
    case 'kmap_atomic':
    case 'pmem':
      return opens
    default:
      return call satisfies never
  }
}

/** True if somebody has this mapping’s pointer, and may use it. */
export const isOpen = (k: Kernel, mapping: number): boolean =>
  k.kernelMappings.isLive(mapping) && k.kernelMappings.at(mapping).open === 1

/** An access: who, where, and by which mapping’s pointer; 0 is a stray one. */
interface Access {
  readonly context: Context
  readonly task: number
  readonly pfn: number
  readonly mapping: number
}

const isOwn = (
  mapping: { readonly task: number; readonly level: number },
  { level }: Context,
  task: number,
): boolean => mapping.task === task && mapping.level === level

/** Option 1 makes every kmap() a kmap_atomic(). */
export const callMade = (k: Kernel, call: MapCall): MapCall =>
  call === 'kmap' && k.policy.pks === 'rfc2020' && k.policy.kmapOption === 'atomic'
    ? 'kmap_atomic'
    : call

/** True if who writes a page has it mapped, or somebody has for all, or the pointer is a mapping’s. */
export const hasMapping = (k: Kernel, { context, task, pfn, mapping }: Access): boolean =>
  k.kernelMappings
    .rows()
    .some(
      (each) =>
        each.pfn === pfn &&
        (isOwn(each, context, task) || each.global === 1 || each.id === mapping),
    )

/** True if this thread or handler has itself opened a window, to whatever page. */
export const hasWindow = (k: Kernel, context: Context, task: number): boolean =>
  k.kernelMappings.find((each) => each.window === 1 && isOwn(each, context, task)) !== undefined

/**
 * True if an access goes by a mapping that its variant makes a window for. In 2020 that is every
 * mapping that is open, whoever has the pointer: kmap() had allowed it. Later it is the thread’s own.
 */
export function isRightful(k: Kernel, { context, task, pfn, mapping }: Access): boolean {
  if (!isOpen(k, mapping)) return false
  const row = k.kernelMappings.at(mapping)
  if (row.pfn !== pfn) return false
  return k.policy.pks === 'rfc2020' || (row.window === 1 && isOwn(row, context, task))
}
