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
    ...Object.entries(broken).map(([name, depth]) => `${name} ${depth}`),
    ...Object.entries(hangs).map(([who, depth]) => `${who} hangs ${depth}`),
    ...(livelock === null ? [] : [`livelock ${livelock}`]),
    ...Object.entries(shown).map(([name, depth]) => `shows ${name} ${depth}`),
  ]
  const word = `${words[verdict]}${isComplete ? '' : ', stopped at the limit'}`
  return found.length === 0 ? word : `${word}: ${found.join(', ')}`
}
