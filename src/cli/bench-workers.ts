import { Check } from '../checker/check'
import { gupFastVsRemove } from '../scenarios/gup-fast-vs-remove'
import { round } from './fastest'
import { inSlices, watched } from './watched'
import { byWorkers } from './workers'

/** Long enough that what it takes to start workers does not count. */
const question = { params: { cpus: 7 }, maxStates: 2_000_000 }

function fresh(): Check {
  const check = Check.of(gupFastVsRemove, question)
  if (typeof check === 'string') throw new Error(check)
  return check
}

/** One search alone and with two workers, which take a moment to start: seconds, and how many times as fast. */
export async function workersRate() {
  const [alone, shared] = [fresh(), fresh()]
  const asked = { scenario: gupFastVsRemove.name, question }
  const one = await watched(alone, () => inSlices(alone))
  const two = await watched(shared, () => byWorkers(shared, asked, 2))
  return { ...question, one: round(one), two: round(two), timesAsFast: round(one / two) }
}
