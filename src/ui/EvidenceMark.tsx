import type { Evidence } from '../machine'

/** How sure a statement is: the word that is shown, and what it means. */
export const evidenceWords: Readonly<Record<Evidence, readonly [word: string, means: string]>> = {
  recorded: ['recorded', 'seen on a real kernel; the recording is among the fixtures'],
  source: ['read in the source', 'the cited function of the cited version says so'],
  deduced: [
    'deduced from the source',
    'it follows from reading the code; no kernel developer has said so, and it was not recorded',
  ],
  memory: ['from memory', 'not checked in any source: a version or a detail may be wrong'],
}

/** A small mark beside a statement; what it means is in its tooltip, and read out after the word. */
export function EvidenceMark({ evidence }: { evidence: Evidence }) {
  const [word, means] = evidenceWords[evidence]
  return (
    <span className={`evidence ${evidence}`} title={means}>
      {word}
      <span className="visually-hidden">{`: ${means}`}</span>
    </span>
  )
}
