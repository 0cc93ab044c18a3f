import { readFileSync, statSync } from 'node:fs'
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { UserError } from './output'

type Options = NonNullable<ParseArgsConfig['options']>
type Parsed<O extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; options: O; allowPositionals: true }>
>

/** An option as it was given. */
interface Given {
  readonly name: string
  readonly rawName: string
  readonly value: string | undefined
  readonly inlineValue: boolean | undefined
}

/** Parses options; what is wrong with them is a sentence. */
export function parse<O extends Options>(
  args: readonly string[],
  options: O,
  most: number,
): Parsed<O> {
  const config = { args: [...args], options, allowPositionals: true, strict: false } as const
  const { tokens, ...parsed } = parseArgs({ ...config, tokens: true })
  const given = tokens.filter((token) => token.kind === 'option')
  given.forEach((option, i) => {
    judge(option, options)
    const isAgain = given.findIndex(({ name }) => name === option.name) < i
    const { type, multiple } = options[option.name] ?? {}
    if (isAgain && type === 'string' && multiple !== true)
      throw new UserError(`${option.rawName} is given twice: give it once.`)
  })
  const extra = parsed.positionals[most]
  if (extra !== undefined) throw new UserError(`There is an argument too many: ${extra}.`)
  // Every option was judged, so that the values are what a strict parser would have them.
  return parsed as Parsed<O>
}

function judge({ name, rawName, value, inlineValue }: Given, options: Options): void {
  const option = Object.hasOwn(options, name) ? options[name] : undefined
  if (option === undefined) {
    const known = Object.keys(options).map((each) => `--${each}`)
    throw new UserError(`There is no option "${rawName}"; known are ${known.join(', ')}.`)
  }
  if (option.type === 'boolean' && value !== undefined)
    throw new UserError(`${rawName} takes no value.`)
  const isNext = inlineValue === false && value?.startsWith('--') === true
  if (option.type === 'string' && (value === undefined || isNext))
    throw new UserError(`${rawName} wants a value.`)
}

/** `NAME=VALUE` pairs, each name once. */
export function pairs(texts: readonly string[] | undefined): Record<string, string> {
  const found = new Map<string, string>()
  for (const text of texts ?? []) {
    const at = text.indexOf('=')
    if (at <= 0) throw new UserError(`"${text}" should read NAME=VALUE.`)
    const name = text.slice(0, at)
    if (found.has(name)) throw new UserError(`"${name}" is given twice: give it once.`)
    found.set(name, text.slice(at + 1))
  }
  return Object.fromEntries(found)
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
