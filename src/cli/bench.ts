import { readFileSync } from 'node:fs'
import { int, layOut, struct } from '../arena'
import { explore } from '../checker/explore'
import { gupFastVsRemove } from '../scenarios/gup-fast-vs-remove'
import { freshKernel, setupOf } from '../scenarios/open'
import { unplugByRuns, unplugRates } from './bench-unplug'
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

function checkerRate() {
  const setup = setupOf(gupFastVsRemove, { params: { cpus: 6 } })
  if (typeof setup === 'string') throw new Error(setup)
  let found = { states: 0, transitions: 0 }
  const seconds = fastest(3, () => {
    const kernel = freshKernel(gupFastVsRemove, setup)
    return () => {
      found = explore(kernel)
    }
  })
  const { states, transitions } = found
  const statesPerSecond = Math.round(states / seconds)
  return { cpus: 6, states, transitions, seconds: round(seconds), statesPerSecond }
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

/** Figures that were accepted last. Machines differ: what counts is the ratio. */
function accepted(): { readonly statesPerSecond?: number } {
  return JSON.parse(readFileSync(new URL('./bench-accepted.json', import.meta.url), 'utf8'))
}

const checker = checkerRate()
const { statesPerSecond = checker.statesPerSecond } = accepted()
sayJson({
  arena: arenaRate(),
  checker: { ...checker, ratioToAccepted: round(checker.statesPerSecond / statesPerSecond) },
  rangeTableSplit: [1e3, 1e4, 1e5].map(splitRate),
  unplug16TiB: unplugRates(),
  unplugByRuns: unplugByRuns(),
})
