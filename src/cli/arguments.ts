import { readFileSync, statSync } from 'node:fs'
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { UserError } from './output'

type Options = NonNullable<ParseArgsConfig['options']>
type Parsed<O extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; options: O; allowPositionals: true }>
>

/** Parses options; what is wrong with them is a sentence. */
export function parse<O extends Options>(
  args: readonly string[],
  options: O,
  most: number,
): Parsed<O> {
  try {
    const parsed = parseArgs({ args: [...args], options, allowPositionals: true })
    const extra = parsed.positionals[most]
    if (extra !== undefined) throw new UserError(`There is an argument too many: ${extra}.`)
    return parsed
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new UserError(error.message.split('\n')[0] ?? 'The arguments are wrong.')
  }
}

/** `NAME=VALUE` pairs. */
export function pairs(texts: readonly string[] | undefined): Record<string, string> {
  const split = (texts ?? []).map((text) => {
    const at = text.indexOf('=')
    if (at <= 0) throw new UserError(`"${text}" should read NAME=VALUE.`)
    return [text.slice(0, at), text.slice(at + 1)]
  })
  return Object.fromEntries(split)
}

/** Files larger than this are refused unread, in bytes. */
const MAX_BYTES = 64 * 1024 * 1024

/** The text of a file, or of standard input for `-`. */
export function readInput(file: string | undefined): string {
  if (file === undefined) throw new UserError('Name a file, or - for standard input.')
  try {
    if (file !== '-' && statSync(file).size > MAX_BYTES)
      throw new UserError(`${file} is larger than 64 MiB.`)
    return readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (error) {
    if (error instanceof UserError) throw error
    const { code = 'unknown error' } = error as NodeJS.ErrnoException
    throw new UserError(`${file} cannot be read: ${code}.`)
  }
}
