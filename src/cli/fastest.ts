/** Seconds that the fastest of some runs takes; what prepares a run is not counted. */
export function fastest(runs: number, prepare: () => () => void): number {
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < runs; i++) {
    const work = prepare()
    const began = performance.now()
    work()
    best = Math.min(best, (performance.now() - began) / 1000)
  }
  return best
}

export const round = (value: number, digits = 3): number => Number(value.toPrecision(digits))
