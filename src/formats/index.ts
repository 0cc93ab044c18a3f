import { type CxlNode, readCxl } from './cxl'
import { type DaxctlDevice, readDaxctl } from './daxctl'
import { type IomemListing, readIomem } from './iomem'
import { inferFlags } from './iomem-flags'
import { type Recording, readRecording } from './kernel-recording'
import { machineOf } from './machine-import'
import { type NdctlRegion, readNdctl } from './ndctl'
import { readLink, writeLink } from './permalink'
import { pastedLines } from './text/lines'
import { failure, type Result } from './text/result'

/** What a text turned out to be. */
export type Imported =
  | { readonly kind: 'iomem'; readonly listing: IomemListing }
  | { readonly kind: 'ndctl'; readonly regions: readonly NdctlRegion[] }
  | { readonly kind: 'cxl'; readonly topology: readonly CxlNode[] }
  | { readonly kind: 'daxctl'; readonly devices: readonly DaxctlDevice[] }
  | { readonly kind: 'recording'; readonly recording: Recording }

interface Format {
  readonly name: string
  readonly title: string
  /** True if the text looks like this format; asked in the order of the list. */
  looksLike(text: string): boolean
  read(text: string): Result<Imported>
}

function mapped<A>(result: Result<A>, make: (value: A) => Imported): Result<Imported> {
  return result.ok ? { ...result, value: make(result.value) } : result
}

const isJson = (text: string): boolean => /^[\s>]*[[{]/.test(text.slice(0, 1000))
const mentions = (text: string, pattern: RegExp): boolean =>
  isJson(text) && pattern.test(text.slice(0, 100_000))

/** JSON out of a mail: quotes and a common indent taken off. */
const unquoted = (text: string): string =>
  /^\s*>/.test(text)
    ? pastedLines(text)
        .map((line) => line.text)
        .join('\n')
    : text

/** What can be pasted or dropped, in the order in which it is tried. */
const formats: readonly Format[] = [
  {
    name: 'recording',
    title: 'a kernel recording (JSON lines)',
    looksLike: (text) => mentions(text, /"kernelRecording"/),
    read: (text) => mapped(readRecording(text), (recording) => ({ kind: 'recording', recording })),
  },
  {
    name: 'cxl',
    title: 'cxl list',
    looksLike: (text) => mentions(text, /"(bus|port|decoder|memdev|endpoint)" ?:/),
    read: (text) => mapped(readCxl(unquoted(text)), (topology) => ({ kind: 'cxl', topology })),
  },
  {
    name: 'daxctl',
    title: 'daxctl list',
    looksLike: (text) => mentions(text, /"chardev" ?:/) && !/"namespaces?"/.test(text),
    read: (text) => mapped(readDaxctl(unquoted(text)), (devices) => ({ kind: 'daxctl', devices })),
  },
  {
    name: 'ndctl',
    title: 'ndctl list',
    looksLike: isJson,
    read: (text) => mapped(readNdctl(unquoted(text)), (regions) => ({ kind: 'ndctl', regions })),
  },
  {
    name: 'iomem',
    title: '/proc/iomem',
    looksLike: () => true,
    read: (text) => mapped(readIomem(text), (listing) => ({ kind: 'iomem', listing })),
  },
]

export const formatNames: readonly string[] = formats.map(({ name }) => name)

/** Reads a text as what it looks like, or as what the caller says that it is. */
export function readAny(text: string, as?: string): Result<Imported> {
  if (as !== undefined && !formatNames.includes(as))
    return failure(`There is no format "${as}"; known are ${formatNames.join(', ')}.`)
  const format = formats.find(({ name, looksLike }) =>
    as === undefined ? looksLike(text) : name === as,
  )
  return format === undefined ? failure('The text is of no known kind.') : format.read(text)
}

export { inferFlags, machineOf, readLink, readRecording, writeLink }
