import * as v from 'valibot'
import { type Choice, MAX_CHOICES } from '../machine'
import { type Answer, type Example, type Question, reductions } from './check'

/** What a search has done so far. */
export interface Progress {
  readonly states: number
  readonly transitions: number
  /** Steps to the states that are farthest away. */
  readonly depth: number
  readonly bytes: number
  readonly seconds: number
  /** Workers that share the search out among themselves; 0 where it is made in one place. */
  readonly helpers: number
}

/** What is asked of a checker that runs elsewhere: a scenario by its name, and when to stop. */
export interface Ask extends Question {
  readonly kind: 'ask'
  readonly scenario: string
  readonly maxSeconds: number
  /** Workers that may help with a long search: as many as would have a core each. */
  readonly helpers?: number
}

/** What the page says to a checker. */
export type Request =
  | Ask
  | { readonly kind: 'cancel' }
  | { readonly kind: 'example'; readonly what: string; readonly most: number }

/** What a checker says to the page. */
export type Reply =
  | ({ readonly kind: 'progress'; readonly isOver: boolean } & Progress)
  | { readonly kind: 'answer'; readonly answer: Answer; readonly progress: Progress }
  | { readonly kind: 'example'; readonly what: string; readonly example: Example | undefined }
  | { readonly kind: 'refused'; readonly sentence: string }

const MAX_SCHEDULES = 100
const MAX_SECONDS = 24 * 60 * 60
const MAX_HELPERS = 1024

const name = v.pipe(v.string(), v.maxLength(255))
const within = (least: number, most: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most))
const natural = within(0, Number.MAX_SAFE_INTEGER)
const number = v.pipe(v.number(), v.finite())

const choice = v.variant('kind', [
  v.object({
    kind: v.literal('start'),
    task: natural,
    operation: name,
    args: v.record(name, v.union([number, name])),
  }),
  v.object({ kind: v.literal('step'), task: natural, choice: natural }),
])

const request = v.variant('kind', [
  v.object({
    kind: v.literal('ask'),
    scenario: name,
    preset: v.exactOptional(name),
    policies: v.exactOptional(v.record(name, name)),
    params: v.exactOptional(v.record(name, number)),
    properties: v.exactOptional(v.pipe(v.array(name), v.minLength(1), v.maxLength(255))),
    everything: v.exactOptional(v.boolean()),
    reduce: v.exactOptional(
      v.pipe(v.array(v.picklist(reductions)), v.maxLength(reductions.length)),
    ),
    from: v.exactOptional(
      v.object({
        choices: v.pipe(v.array(choice), v.maxLength(MAX_CHOICES)) as v.GenericSchema<Choice[]>,
        moment: within(0, MAX_CHOICES),
      }),
    ),
    maxStates: v.exactOptional(within(1, 100_000_000)),
    maxBytes: v.exactOptional(within(1, 2 ** 32)),
    maxSeconds: within(1, MAX_SECONDS),
    helpers: v.exactOptional(within(0, MAX_HELPERS)),
  }),
  v.object({ kind: v.literal('cancel') }),
  v.object({ kind: v.literal('example'), what: name, most: within(1, MAX_SCHEDULES) }),
])

/** A message from outside, if it is one that can be answered; otherwise a sentence that says where it is wrong. */
export function readRequest(message: unknown): Request | string {
  const read = v.safeParse(request, message)
  if (read.success) return read.output
  const [issue] = read.issues
  const where = v.getDotPath(issue)
  const what = where === null ? 'the message' : `"${where}" of the message`
  return `The checker does not understand ${what}: ${issue.message.slice(0, 200)}.`
}
