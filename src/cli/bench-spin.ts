import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fastest, round } from './fastest'

/** gup-fast-vs-remove in Promela, with its grain and its state. */
const MODEL = fileURLToPath(new URL('./gup-remove.pml', import.meta.url))

const isThere = (command: string): boolean => spawnSync(command, ['--version']).error === undefined

/** How fast SPIN searches the same model, breadth first and without reductions; it counts its start as well. */
export function spinRate(cpus: number) {
  if (!isThere('spin') || !isThere('gcc')) return 'not installed'
  const folder = mkdtempSync(join(tmpdir(), 'spin-'))
  const run = (command: string, ...args: string[]): string =>
    execFileSync(command, args, { cwd: folder, encoding: 'utf8' })
  try {
    copyFileSync(MODEL, join(folder, 'model.pml'))
    run('spin', `-DK=${cpus}`, '-a', 'model.pml')
    run('gcc', '-O2', '-w', '-DNOREDUCE', '-DSAFETY', '-DBFS', '-o', 'pan', 'pan.c')
    let said = ''
    const seconds = fastest(3, () => () => {
      said = run('./pan', '-E')
    })
    const states = Number(/(\d+) nominal states/.exec(said)?.[1])
    return { states, seconds: round(seconds), statesPerSecond: Math.round(states / seconds) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
