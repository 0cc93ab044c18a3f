import { operations } from '../linux/operations'
import { policies } from '../linux/policies'
import { type Choice, MAX_CHOICES } from '../machine'
import { fromBase64Url, toBase64Url } from './text/base64url'
import { ByteReader, ByteWriter } from './text/bytes'
import { failure, quoted, type Result, success } from './text/result'

/** What a link holds: names and choices, never state. */
export interface LinkState {
  readonly scenario: string
  /** Empty: the kernel that the scenario usually has. */
  readonly preset: string
  readonly policies: Readonly<Record<string, string>>
  readonly params: Readonly<Record<string, number>>
  /** The moment to show. */
  readonly cursor: number
  /** Absent: the scenario's own story. */
  readonly choices?: readonly Choice[]
  /** One byte for each `CHECK_EVERY` moments: tells where another version plays differently. */
  readonly checks?: readonly number[]
}

/** The version of the format; the first character of a link. */
const VERSION = '2'

/** Version 1 is read too: these operations had fewer arguments then, the first ones. */
const VERSION_1_ARGUMENTS: Readonly<Record<string, number>> = {
  userLoad: 2,
  userStore: 2,
  do_mmap: 4,
  pin_user_pages_fast: 4,
  get_user_pages_fast: 4,
}
export const CHECK_EVERY = 8
const MAX_LINK = 60_000

const STEPS = 0
const START = 1
const CHOICE = 2

/** The fragment of a link, without its `#`. */
export function writeLink(state: LinkState): string {
  const isPlain =
    state.preset === '' &&
    state.choices === undefined &&
    isEmpty(state.params) &&
    isEmpty(state.policies)
  if (isPlain) return `s/${state.scenario}${state.cursor === 0 ? '' : `@${state.cursor}`}`
  const bytes = new ByteWriter()
  bytes.text(state.scenario)
  bytes.text(state.preset)
  writePairs(bytes, state.policies, (value) => bytes.text(value))
  writePairs(bytes, state.params, (value) => bytes.number(value))
  bytes.number(state.cursor)
  bytes.number(state.choices === undefined ? 0 : 1)
  if (state.choices !== undefined) writeChoices(bytes, state.choices)
  const checks = state.checks ?? []
  bytes.number(checks.length)
  for (const check of checks) bytes.byte(check)
  return VERSION + toBase64Url(bytes.done())
}

const isEmpty = (pairs: Readonly<Record<string, unknown>>): boolean =>
  Object.keys(pairs).length === 0

function writePairs<V>(
  bytes: ByteWriter,
  pairs: Readonly<Record<string, V>>,
  value: (value: V) => void,
): void {
  const entries = Object.entries(pairs).sort(([a], [b]) => (a < b ? -1 : 1))
  bytes.number(entries.length)
  for (const [name, each] of entries) {
    bytes.text(name)
    value(each)
  }
}

/** Runs of plain steps of one thread are one item; so a link grows with the story, not with the steps. */
function writeChoices(bytes: ByteWriter, choices: readonly Choice[]): void {
  bytes.number(choices.length)
  for (let i = 0; i < choices.length; ) {
    const choice = choices[i] as Choice
    let run = 0
    while (isPlainStep(choices[i + run], choice.task)) run += 1
    if (run > 0) {
      bytes.number(choice.task * 4 + STEPS)
      bytes.number(run)
      i += run
      continue
    }
    if (choice.kind === 'step') {
      bytes.number(choice.task * 4 + CHOICE)
      bytes.number(choice.choice)
    } else writeStart(bytes, choice)
    i += 1
  }
}

const isPlainStep = (choice: Choice | undefined, task: number): boolean =>
  choice?.kind === 'step' && choice.choice === 0 && choice.task === task

/** An operation is its place in the list, which only grows at its end; arguments follow in its order. */
function writeStart(
  bytes: ByteWriter,
  { task, operation: name, args }: Choice & { kind: 'start' },
): void {
  const number = operations.findIndex((operation) => operation.name === name)
  bytes.number(task * 4 + START)
  bytes.number(number)
  for (const [param, field] of Object.entries(operations[number]?.params ?? {}))
    if (typeof field.initial === 'string') bytes.text(String(args[param] ?? ''))
    else bytes.signed(Number(args[param] ?? 0))
}

/** Reads a link as somebody pasted it: a whole address, or its fragment, wrapped by a mail or not. */
export function readLink(text: string): Result<LinkState> {
  if (text.length > MAX_LINK) return failure('The link is longer than any that Pinhole makes.')
  const fragment = fragmentOf(text)
  if (fragment.startsWith('s/')) return readNamed(fragment)
  if (fragment === '') return failure('The link is empty.')
  const isOld = fragment.startsWith('1')
  if (!isOld && !fragment.startsWith(VERSION)) return failure(versionSentence(fragment))
  const bytes = fromBase64Url(fragment.slice(VERSION.length))
  if (bytes === undefined)
    return failure('The link is damaged: it has characters that no link has.')
  try {
    return success(readState(new ByteReader(bytes), isOld))
  } catch (error) {
    if (error instanceof RangeError) return failure(`The link is damaged: ${error.message}`)
    throw error
  }
}

const versionSentence = (fragment: string): string =>
  /^[3-9]/.test(fragment)
    ? `The link is of a newer version (${fragment[0]}) of Pinhole than this page (${VERSION}): open it with a newer one.`
    : `This is not a link of Pinhole: ${quoted(fragment)}.`

/** Takes off what mail and chat put around links: white space, `%23`, brackets, a full stop. */
function fragmentOf(text: string): string {
  const joined = text.replace(/=\r?\n/g, '').replace(/[\s>]+/g, '')
  const behind = joined.replace(/^.*?(?:#|%23)/s, '')
  return behind.replace(/[).,>\]]+$/, '')
}

function readNamed(fragment: string): Result<LinkState> {
  const [, scenario, moment = '0'] = /^s\/([a-z0-9-]{1,64})(?:@(\d{1,6}))?$/.exec(fragment) ?? []
  if (scenario === undefined)
    return failure(
      `The link is damaged: ${quoted(fragment)} names no scenario. It should read s/name@moment.`,
    )
  return success({ scenario, preset: '', policies: {}, params: {}, cursor: Number(moment) })
}

function readState(bytes: ByteReader, isOld: boolean): LinkState {
  const scenario = bytes.text()
  const preset = bytes.text()
  const chosen = readPairs(bytes, () => bytes.text())
  const unknown = Object.keys(chosen).find((name) => policies.every((each) => each.name !== name))
  if (unknown !== undefined)
    throw new RangeError(`it names the policy ${quoted(unknown)}, which there is not.`)
  const params = readPairs(bytes, () => bytes.number())
  const cursor = bytes.number()
  const choices = bytes.number() === 1 ? readChoices(bytes, isOld) : undefined
  const count = bytes.number()
  if (count > MAX_CHOICES) throw new RangeError('it has more checks than steps.')
  const checks = Array.from({ length: count }, () => bytes.byte())
  bytes.end()
  const state = { scenario, preset, policies: chosen, params, cursor, checks }
  return choices === undefined ? state : { ...state, choices }
}

function readPairs<V>(bytes: ByteReader, value: () => V): Record<string, V> {
  const count = bytes.number()
  if (count > 64) throw new RangeError('it has more settings than there are.')
  return Object.fromEntries(Array.from({ length: count }, () => [bytes.text(), value()]))
}

function readChoices(bytes: ByteReader, isOld: boolean): Choice[] {
  const length = bytes.number()
  if (length > MAX_CHOICES) throw new RangeError(`it has more than ${MAX_CHOICES} steps.`)
  const choices: Choice[] = []
  while (choices.length < length) {
    const tag = bytes.number()
    const task = Math.floor(tag / 4)
    if (tag % 4 === STEPS) {
      const run = bytes.number()
      if (run === 0 || choices.length + run > length)
        throw new RangeError('its steps do not add up.')
      for (let i = 0; i < run; i++) choices.push({ kind: 'step', task, choice: 0 })
    } else if (tag % 4 === START) choices.push(readStart(bytes, task, isOld))
    else if (tag % 4 === CHOICE) choices.push({ kind: 'step', task, choice: bytes.number() })
    else throw new RangeError('it has a step of an unknown kind.')
  }
  return choices
}

function readStart(bytes: ByteReader, task: number, isOld: boolean): Choice {
  const operation = operations[bytes.number()]
  if (operation === undefined)
    throw new RangeError(
      'it begins an operation that this version does not know; it may be of a newer one.',
    )
  const known = isOld ? VERSION_1_ARGUMENTS[operation.name] : undefined
  const args = Object.entries(operation.params).map(([param, { initial }], i) => {
    if (known !== undefined && i >= known) return [param, initial]
    return [param, typeof initial === 'string' ? bytes.text() : bytes.signed()]
  })
  return { kind: 'start', task, operation: operation.name, args: Object.fromEntries(args) }
}
