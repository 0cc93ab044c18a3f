import { readFileSync } from 'node:fs'
import { int, layOut, struct } from '../arena'
import { searchRates } from './bench-searches'
import { spinRate } from './bench-spin'
import { unplugByRuns, unplugRates } from './bench-unplug'
import { workersRate } from './bench-workers'
import { fastest, round } from './fastest'
import { sayJson } from './output'

/** Journaled writes of one word, each undone. */
function arenaRate() {
  const Row = struct('row', { a: int(), b: int() })
  const { arena, tables } = layOut({ rows: [Row, 64] }, {})
  const row = tables.rows.make()
  const writes = 1_000_000
  const seconds = fastest(3, () => () => {
    for (let i = 0; i < writes; i++) {
      const { hashLo, hashHi, journal } = arena
      const { length } = journal
      row.a = i
      arena.undo(length, hashLo, hashHi)
    }
  })
  return { writesAndUndosPerSecond: Math.round(writes / seconds) }
}

/** One page changed in the middle of a table of so many runs, and undone: one run becomes three. */
function splitRate(runs: number) {
  const Row = struct('row', { value: int() })
  const { arena, ranges } = layOut({}, { rows: Row })
  for (let run = 0; run < runs; run++) ranges.rows.fill(run * 16, run * 16 + 16, { value: run + 1 })
  const splits = 2000
  const seconds = fastest(3, () => () => {
    for (let i = 0; i < splits; i++) {
      const mark = arena.mark()
      ranges.rows.at(((i * 7919) % runs) * 16 + 8).value = -1
      arena.undoTo(mark)
    }
  })
  return { runs, microsecondsPerSplitAndUndo: round((seconds / splits) * 1e6) }
}

/** States a second that were accepted last, by scenario. Machines differ: what counts is the ratio. */
function accepted(): Readonly<Record<string, number>> {
  return JSON.parse(readFileSync(new URL('./bench-accepted.json', import.meta.url), 'utf8'))
}

/** The checker’s own rates, and how they compare with those that were accepted and with SPIN’s. */
function checkerRates() {
  const before = accepted()
  const searches = searchRates().map((search) => {
    const { name, statesPerSecond } = search
    const ratioToAccepted = round(statesPerSecond / (before[name] ?? statesPerSecond))
    return { ...search, ratioToAccepted }
  })
  const spin = spinRate(6)
  const [model] = searches
  if (typeof spin === 'string' || model === undefined) return { searches, spin }
  return { searches, spin, ratioToSpin: round(model.statesPerSecond / spin.statesPerSecond) }
}

sayJson({
  arena: arenaRate(),
  checker: checkerRates(),
  workers: await workersRate(),
  rangeTableSplit: [1e3, 1e4, 1e5].map(splitRate),
  unplug16TiB: unplugRates(),
  unplugByRuns: unplugByRuns(),
})
