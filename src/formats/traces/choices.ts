import * as v from 'valibot'
import { type Choice, MAX_CHOICES } from '../../machine'
import { readJson } from '../text/json-exact'
import { failure, type Result, success } from '../text/result'

const Whole = v.pipe(v.number(), v.safeInteger())
const Task = v.pipe(Whole, v.minValue(1))

const ChoiceSchema = v.variant('kind', [
  v.object({
    kind: v.literal('start'),
    task: Task,
    operation: v.pipe(v.string(), v.maxLength(64)),
    args: v.record(v.string(), v.union([Whole, v.pipe(v.string(), v.maxLength(255))])),
  }),
  v.object({ kind: v.literal('step'), task: Task, choice: v.pipe(Whole, v.minValue(0)) }),
])
const ChoicesSchema = v.pipe(v.array(ChoiceSchema), v.maxLength(MAX_CHOICES))
const FileSchema = v.union([ChoicesSchema, v.object({ schedule: ChoicesSchema })])

/** Longest text that is read, in UTF-16 units. */
const MAX_CHARACTERS = 4 * 1024 * 1024

/**
 * Reads a list of choices as `check --json` prints it: the list, or the document whose `schedule` it is.
 * Whether a kernel takes them is for the kernel to say.
 */
export function readChoices(text: string): Result<readonly Choice[]> {
  const json = readJson(text, { characters: MAX_CHARACTERS })
  if (!json.ok) return json
  const parsed = v.safeParse(FileSchema, json.value)
  if (parsed.success)
    return success(Array.isArray(parsed.output) ? parsed.output : parsed.output.schedule)
  return failure(
    `The file should be a list of at most ${MAX_CHOICES} choices, as check --json prints them under "schedule".`,
  )
}
