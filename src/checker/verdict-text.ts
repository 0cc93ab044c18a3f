import type { Hang } from './stuck'
import type { Summary } from './verdicts'

/** Why a thread can never come to the end of its call. */
export const hangReasons: Readonly<Record<Hang['because'], string>> = {
  circle: 'it is in a circle of threads that wait for each other',
  owner: 'what it waits for is let go only when its owner likes',
  nobody: 'nobody is left who could end its wait',
}

const words: Readonly<Record<Summary['verdict'], string>> = {
  holds: 'holds',
  broken: 'broken',
  hang: 'can hang',
  livelock: 'can go round for ever',
  limit: 'open',
}

/** The steps to something; none where it is so before the threads are free. */
const after = (depth: number): string => (depth === 0 ? 'from the start' : String(depth))

/** `broken: noStalePte 19, rm hangs 23`: what was found, with the steps of a shortest schedule to each. */
export function verdictText({
  verdict,
  broken,
  shown,
  hangs,
  livelock,
  isComplete,
}: Summary): string {
  const found = [
    ...Object.entries(broken).map(([name, depth]) => `${name} ${after(depth)}`),
    ...Object.entries(hangs).map(([who, depth]) => `${who} hangs ${after(depth)}`),
    ...(livelock === null ? [] : [`livelock ${after(livelock)}`]),
    ...Object.entries(shown).map(([name, depth]) => `shows ${name} ${after(depth)}`),
  ]
  const word = `${words[verdict]}${isComplete ? '' : ', stopped at the limit'}`
  return found.length === 0 ? word : `${word}: ${found.join(', ')}`
}
