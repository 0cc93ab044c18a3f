import * as v from 'valibot'
import { knownActions } from './recording/actions'
import { HeaderSchema, type RecordedStep, type Recording, StepSchema } from './recording/record'
import { failure, quoted, type Result, success } from './text/result'

const MAX_LINES = 10_000
const MAX_CHARACTERS = 8 * 1024 * 1024
const MAX_DEPTH = 32

/** Reads a recording: JSON lines, a header first. One sentence says what is wrong, and in which line. */
export function readRecording(text: string): Result<Recording> {
  if (text.length > MAX_CHARACTERS) return failure('The recording is larger than 8 MiB.')
  const lines = text.split('\n').map((line, i) => ({ line: i + 1, text: line.trim() }))
  const written = lines.filter((line) => line.text !== '')
  if (written.length > MAX_LINES) return failure(`The recording has more than ${MAX_LINES} lines.`)
  const [first, ...rest] = written
  if (first === undefined)
    return failure('The recording is empty: its first line must be the header.')
  const header = readLine(
    first,
    HeaderSchema,
    'the header {"kernelRecording": 1, "name", "kernel", …}',
  )
  if (!header.ok) return header
  const steps: RecordedStep[] = []
  for (const line of rest) {
    const step = readLine(line, StepSchema, 'a step {"group", "n", "title", "do", "see"}')
    if (!step.ok) return step
    const unknown = step.value.do?.find(({ op }) => !knownActions.has(op))
    if (unknown !== undefined)
      return failure(
        `Line ${line.line}: the engine does not know the action ${quoted(unknown.op)}.`,
        { line: line.line },
      )
    steps.push(step.value)
  }
  const { name, kernel } = header.value
  return success({ name, kernel, steps })
}

interface Line {
  readonly line: number
  readonly text: string
}

function readLine<S extends v.GenericSchema>(
  { line, text }: Line,
  schema: S,
  what: string,
): Result<v.InferOutput<S>> {
  if (nesting(text) > MAX_DEPTH)
    return failure(`Line ${line}: the JSON is nested too deep.`, { line })
  try {
    const parsed = v.safeParse(schema, JSON.parse(text))
    if (parsed.success) return success(parsed.output)
    const where = v.getDotPath(parsed.issues[0]) ?? 'the line'
    return failure(`Line ${line}: expected ${what}; ${where} is wrong.`, { line })
  } catch {
    return failure(`Line ${line}: this is not JSON: ${quoted(text)}.`, { line })
  }
}

/** How deep brackets are nested, at most; strings are not looked into, which only overstates it. */
function nesting(text: string): number {
  let depth = 0
  let deepest = 0
  for (const character of text) {
    if (character === '{' || character === '[') deepest = Math.max(deepest, ++depth)
    else if (character === '}' || character === ']') depth -= 1
  }
  return deepest
}
