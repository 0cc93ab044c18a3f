import { readRecording } from '../formats/kernel-recording'
import { type Replay, replay } from '../formats/recording/replay'
import { parse, readInput } from './arguments'
import type { Command } from './command'
import { say, sayJson, UserError } from './output'

export const replayCommand: Command = {
  usage: 'replay RECORDING.jsonl [--json]',
  does: 'A kernel recording against the engine. Exit 1 if they disagree.',
  run(args) {
    const { values, positionals } = parse(args, { json: { type: 'boolean' } }, 1)
    const recording = readRecording(readInput(positionals[0]))
    if (!recording.ok) throw new UserError(recording.error.sentence)
    const result = replay(recording.value)
    if (values.json === true) sayJson({ ...result, steps: undefined })
    else print(result)
    return result.disagreements.length === 0 ? 0 : 1
  },
}

function print({ name, kernel, records, skipped, compared, agreed, disagreements }: Replay): void {
  say(`${name}, Linux ${kernel}: ${records} records replayed (${skipped} have no action)`)
  say(`${agreed} of ${compared} observed fields agree`)
  for (const { record, field, kernel: theirs, engine } of disagreements)
    say(`  ${record}, ${field}: kernel ${JSON.stringify(theirs)}, engine ${JSON.stringify(engine)}`)
}
