import { readFileSync } from 'node:fs'
import { it } from 'vitest'
import { readRecording } from '/work/main/src/formats/kernel-recording'
import { replay } from '/work/main/src/formats/recording/replay'

it('x', () => {
  const r = readRecording(
    readFileSync('/work/main/src/formats/fixtures/recordings/anon-cow.jsonl', 'utf8'),
  )
  if (!r.ok) throw new Error(r.error.sentence)
  const out = replay(r.value)
  console.log(out.records, out.skipped, out.compared, out.agreed)
  for (const d of out.disagreements.slice(0, 60)) console.log(JSON.stringify(d))
})
