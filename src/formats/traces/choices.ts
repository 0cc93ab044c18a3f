import * as v from 'valibot'
import { MAX_CHOICES } from '../../machine'
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
const Name = v.pipe(v.string(), v.maxLength(64))
const DocumentSchema = v.object({
  scenario: v.exactOptional(Name),
  kernel: v.exactOptional(Name),
  policies: v.exactOptional(v.record(Name, Name)),
  params: v.exactOptional(v.record(Name, Whole)),
  schedule: ChoicesSchema,
})
const FileSchema = v.union([ChoicesSchema, DocumentSchema])

/** A schedule, and of what it is one, as far as its file says so. */
export type ScheduleFile = v.InferOutput<typeof DocumentSchema>

/** Longest text that is read, in UTF-16 units. */
const MAX_CHARACTERS = 4 * 1024 * 1024

/**
 * Reads a schedule as the page saves it, and as `check --json` prints it: a list of choices, or the
 * document whose `schedule` it is. Whether a kernel takes them, and whether there are such a kernel and
 * such policies, is for others to say.
 */
export function readSchedule(text: string): Result<ScheduleFile> {
  const json = readJson(text, { characters: MAX_CHARACTERS })
  if (!json.ok) return json
  const parsed = v.safeParse(FileSchema, json.value)
  if (parsed.success)
    return success('schedule' in parsed.output ? parsed.output : { schedule: parsed.output })
  return failure(
    `The file should be a list of at most ${MAX_CHOICES} choices, as check --json prints them under "schedule".`,
  )
}
