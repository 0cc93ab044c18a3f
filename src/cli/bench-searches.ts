import { startOf } from '../checker/programs'
import { Search } from '../checker/search'
import { scenarios } from '../scenarios'
import type { Request } from '../scenarios/open'
import { fastest, round } from './fastest'

/** What is searched whole: the model that SPIN has as well, and the library's scenario with the most states. */
const searched: readonly (Request & { readonly name: string })[] = [
  { name: 'gup-fast-vs-remove', params: { cpus: 6 } },
  { name: 'force-unmap-pmem' },
]

function rate({ name, ...request }: (typeof searched)[number]) {
  const scenario = scenarios.find((each) => each.name === name)
  const start = scenario && startOf(scenario, request)
  if (start === undefined || typeof start === 'string') throw new Error(start ?? name)
  let found = { states: 0, transitions: 0, bytesPerState: 0 }
  const seconds = fastest(3, () => {
    const search = new Search(start.kernel, start.programs)
    return () => {
      while (search.advance(4096));
      const { states, transitions, bytes } = search
      found = { states, transitions, bytesPerState: Math.round(bytes / states) }
      search.play([])
    }
  })
  const statesPerSecond = Math.round(found.states / seconds)
  return { name, ...request, ...found, seconds: round(seconds), statesPerSecond }
}

/** Searches without reductions, with every property asked, as fast as this engine of JavaScript makes them. */
export const searchRates = () => searched.map(rate)
