import { type IomemLine, readIomemLine } from './iomem/line'
import type { IomemNode } from './iomem/node'
import { IomemTree, isHidden } from './iomem/tree'
import { failure, type Result, success } from './text/result'
import { countLines, unquote } from './text/unquote'

export type { IomemNode } from './iomem/node'
export { type PrintableNode, writeIomem } from './iomem/write'

export interface IomemListing {
  readonly nodes: readonly IomemNode[]
  /** Every address is zero: the reader of the file lacked CAP_SYS_ADMIN. Only the shape is true. */
  readonly redacted: boolean
}

export interface IomemOptions {
  /** Lenient keeps lines that cannot have been true together, and tags them. Strict by default. */
  readonly mode?: 'strict' | 'lenient'
}

export const MAX_IOMEM_LINES = 200_000
/** UTF-16 units. */
export const MAX_IOMEM_CHARACTERS = 16 * 1024 * 1024

/**
 * Reads the text of /proc/iomem (kernel/resource.c, r_show; grammar and errors E01–E17 of the iomem
 * sheet, §1.4), also out of a mail. Strict reading refuses a tree that cannot be; lenient reading
 * keeps such lines: the kernel prints the file in pieces, so a change between two read() calls
 * tears the listing. The time is linear in the length of the text.
 */
export function readIomem(
  text: string,
  { mode = 'strict' }: IomemOptions = {},
): Result<IomemListing> {
  const unfit = sizeError(text) ?? nulError(text)
  if (unfit !== undefined) return unfit
  const tree = new IomemTree(mode === 'strict')
  const hidden = new HiddenLines()
  for (const pasted of unquote(text)) {
    if (pasted.text === '') continue
    const line = readIomemLine(pasted)
    if (!line.ok) return line
    const node = tree.add(line.value)
    if (!node.ok) return node
    hidden.see(line.value)
  }
  if (hidden.lines === 0)
    return failure('The listing is empty: paste what `sudo cat /proc/iomem` printed (E15).', {
      code: 'E15',
      line: 1,
      column: 1,
    })
  const warnings = [...hidden.warnings(), ...tree.allWarnings()]
  return success({ nodes: tree.nodes, redacted: hidden.all() }, warnings)
}

/** Counts ranges that the kernel printed as zero. */
class HiddenLines {
  lines = 0
  private count = 0
  private first = 0

  see(line: IomemLine): void {
    this.lines += 1
    if (!isHidden(line)) return
    this.count += 1
    if (this.count === 1) this.first = line.line.number
  }

  all = (): boolean => this.count === this.lines

  warnings(): string[] {
    if (this.count === 0) return []
    if (this.all())
      return [
        'Every address is zero, because the file was read without CAP_SYS_ADMIN: only names and nesting are shown; read it as root (sudo cat /proc/iomem) to get the addresses.',
      ]
    return [
      `Line ${this.first}: partly redacted listing, ${this.count} of ${this.lines} ranges are 00000000-00000000 and are not checked; read the file as root in one go (E13).`,
    ]
  }
}

function sizeError(text: string): Result<never> | undefined {
  if (text.length > MAX_IOMEM_CHARACTERS)
    return failure(
      'The text is larger than 16 MiB, which no machine prints: give only the listing (E17).',
      { code: 'E17', line: 1, column: 1 },
    )
  if (countLines(text) > MAX_IOMEM_LINES) {
    const where = { code: 'E17', line: MAX_IOMEM_LINES + 1, column: 1 }
    return failure(
      'The text has more than 200,000 lines: cut it down to the part of interest (E17).',
      where,
    )
  }
  return undefined
}

function nulError(text: string): Result<never> | undefined {
  const at = text.indexOf('\0')
  if (at < 0) return undefined
  const before = text.slice(0, at)
  const line = before.split('\n').length
  const column = at - before.lastIndexOf('\n')
  return failure(
    `Line ${line}, column ${column}: there is a NUL byte, so this is not plain text; save the listing as UTF-8 text (E16).`,
    { code: 'E16', line, column },
  )
}
