import { readRecording } from '../formats/kernel-recording'
import { type Replay, replay } from '../formats/recording/replay'

/** The recordings that come with the page, each fetched when it is asked for. */
const files = import.meta.glob<string>('../formats/fixtures/recordings/*.jsonl', {
  query: '?raw',
  import: 'default',
})

/** What a recording and the engine say, step by step; a sentence where there is none to read. */
export async function replayRecording(name: string): Promise<Replay | string> {
  const fetchText = files[`../formats/fixtures/recordings/${name}.jsonl`]
  if (fetchText === undefined) return 'This recording does not come with the page.'
  const recording = readRecording(await fetchText())
  return recording.ok ? replay(recording.value) : recording.error.sentence
}
