import { type CxlNode, readCxl } from './cxl'
import { type DaxctlListing, readDaxctl } from './daxctl'
import { type IomemListing, type IomemOptions, MAX_IOMEM_CHARACTERS, readIomem } from './iomem'
import { iomemJson } from './iomem/write'
import { readRecording } from './kernel-recording'
import { type NdctlListing, readNdctl } from './ndctl'
import type { Recording } from './recording/record'
import { jsonReady } from './text/json-ready'
import { readPastedJson } from './text/pasted-json'
import { failure, quoted, type Result } from './text/result'

/** What a text turned out to be. */
export type Imported =
  | { readonly kind: 'iomem'; readonly listing: IomemListing }
  | ({ readonly kind: 'ndctl' } & NdctlListing)
  | { readonly kind: 'cxl'; readonly topology: readonly CxlNode[] }
  | ({ readonly kind: 'daxctl' } & DaxctlListing)
  | { readonly kind: 'recording'; readonly recording: Recording }

interface Format {
  readonly name: Imported['kind']
  readonly title: string
  /** True if the beginning of a text looks like this format; asked in the order of the list. */
  detect(head: string): boolean
  read(text: string, options: IomemOptions): Result<Imported>
}

/** UTF-16 units that are looked at to find the format. */
const HEAD = 64 * 1024

const isJson = (head: string): boolean => /^[ \t>]{0,64}[[{]/m.test(head)

function mapped<A>(result: Result<A>, make: (value: A) => Imported): Result<Imported> {
  return result.ok ? { ...result, value: make(result.value) } : result
}

const recording: Format = {
  name: 'recording',
  title: 'a kernel recording (JSON lines)',
  detect: (head) => head.includes('"kernelRecording"'),
  read: (text) => mapped(readRecording(text), (value) => ({ kind: 'recording', recording: value })),
}

const cxl: Format = {
  name: 'cxl',
  title: 'cxl list (JSON)',
  detect: (head) =>
    /"(bus|port|decoder|memdev|endpoint)" ?: ?"/.test(head) || /"region" ?: ?"region\d/.test(head),
  read: (text) => mapped(readCxl(text), (topology) => ({ kind: 'cxl', topology })),
}

const ndctl: Format = {
  name: 'ndctl',
  title: 'ndctl list (JSON)',
  detect: (head) => /"dev" ?: ?"(ndbus|nmem|region|namespace)\d/.test(head),
  read: (text) => mapped(readNdctl(text), (value) => ({ kind: 'ndctl', ...value })),
}

const daxctl: Format = {
  name: 'daxctl',
  title: 'daxctl list (JSON)',
  detect: (head) =>
    /"chardev" ?: ?"dax\d/.test(head) || /"path" ?: ?"[^"\n]*\/dax_region"/.test(head),
  read: (text) => mapped(readDaxctl(text), (value) => ({ kind: 'daxctl', ...value })),
}

const iomem: Format = {
  name: 'iomem',
  title: '/proc/iomem',
  detect: (head) => /^[ \t>]{0,64}[0-9a-f]{1,20}[0-9a-z]{0,3} ?- ?[0-9a-z]{1,20}/im.test(head),
  read: (text, options) =>
    mapped(readIomem(text, options), (listing) => ({ kind: 'iomem', listing })),
}

/** What can be pasted or dropped, in the order in which it is tried. */
export const formats: readonly Format[] = [recording, cxl, ndctl, daxctl, iomem]

/** Reads a text as what it looks like, or as what the caller says that it is. */
export function readAny(text: string, as?: string, options: IomemOptions = {}): Result<Imported> {
  const head = text.slice(0, HEAD)
  const format = formats.find(({ name, detect }) => (as === undefined ? detect(head) : name === as))
  if (format !== undefined) return format.read(text, options)
  if (as === undefined) return unknownText(text, head)
  return failure(`There is no format ${quoted(as)}: use one of ${namesOf(formats)}.`)
}

const namesOf = (list: readonly Format[]): string => list.map(({ name }) => name).join(', ')

/** Says as much as can be said about a text that looks like nothing known. */
function unknownText(text: string, head: string): Result<never> {
  const isUnfit = head.trim() === '' || text.includes('\0') || text.length > MAX_IOMEM_CHARACTERS
  const read = isUnfit ? readIomem(text) : isJson(head) ? readPastedJson(text) : undefined
  if (read !== undefined && !read.ok) return read
  const titles = formats.map(({ title }) => title).join(', ')
  return failure(`Nothing here is of a known kind: paste the whole output of one of ${titles}.`)
}

/** What the terminal prints for an import: addresses are "0x…", sizes are numbers of bytes. */
export interface ImportJson {
  readonly kind: Imported['kind']
  readonly warnings: readonly string[]
  /** iomem: nodes of `{ start, end, name, children }`. */
  readonly tree?: unknown
  /** cxl, daxctl and ndctl. */
  readonly topology?: unknown
  readonly recording?: unknown
}

export function toJson(imported: Imported, warnings: readonly string[]): ImportJson {
  const { kind } = imported
  switch (imported.kind) {
    case 'iomem':
      return { kind, tree: imported.listing.nodes.map(iomemJson), warnings }
    case 'cxl':
      return { kind, topology: jsonReady(imported.topology), warnings }
    case 'ndctl': {
      const { regions, namespaces, dimms } = imported
      return { kind, topology: jsonReady({ regions, namespaces, dimms }), warnings }
    }
    case 'daxctl': {
      const { regions, devices } = imported
      return { kind, topology: jsonReady({ regions, devices }), warnings }
    }
    case 'recording':
      return { kind, recording: jsonReady(imported.recording), warnings }
    default:
      return imported satisfies never
  }
}
