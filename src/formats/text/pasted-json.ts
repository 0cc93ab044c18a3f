import { type JsonValue, MAX_JSON_CHARACTERS, readJson } from './json-exact'
import { failure, type Result } from './result'
import { countLines, placeIn, unquote } from './unquote'

const MAX_JSON_LINES = 1_000_000

/** Reads JSON out of a mail or a document; errors name the place in the text as it was given. */
export function readPastedJson(text: string): Result<JsonValue> {
  if (text.length > MAX_JSON_CHARACTERS || countLines(text) > MAX_JSON_LINES)
    return failure('The JSON is larger than 16 MiB or 1,000,000 lines: give a smaller part of it.')
  const lines = unquote(text)
  if (lines.length === 0)
    return failure('The text is empty: paste what the tool printed, from its first "[" or "{".')
  const joined = lines.map((line) => line.text).join('\n')
  return readJson(joined, { place: (line, column) => placeIn(lines, line, column) })
}
