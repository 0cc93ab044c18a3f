import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What SPIN says of a model. */
interface SpinFound {
  /** States that it stored: all, where it found no error. */
  readonly states: number
  /** The start is one. */
  readonly transitions: number
  /** Moves of a shortest schedule to a broken assertion; undefined where there is none. */
  readonly shortest: number | undefined
}

const works = (command: string, args: readonly string[]): boolean =>
  spawnSync(command, args, { stdio: 'ignore' }).status === 0

/** Are SPIN and the C compiler that it needs installed? */
export const hasSpin = (): boolean => works('spin', ['-V']) && works('gcc', ['--version'])

/** Lets SPIN search a model, breadth first and in full. Fails where it ends with neither verdict. */
export function spinSearch(model: string): SpinFound {
  const cwd = mkdtempSync(join(tmpdir(), 'pinhole-spin-'))
  const run = (command: string, ...args: string[]) =>
    execFileSync(command, args, { cwd, encoding: 'utf8' })
  try {
    writeFileSync(join(cwd, 'model.pml'), model)
    run('spin', '-a', 'model.pml')
    run('gcc', '-DSAFETY', '-DBFS', '-DNOREDUCE', '-o', 'pan', 'pan.c')
    return readPan(run(join(cwd, 'pan')))
  } finally {
    rmSync(cwd, { recursive: true })
  }
}

function readPan(output: string): SpinFound {
  const number = (pattern: RegExp): number | undefined => {
    const match = pattern.exec(output)
    return match === null ? undefined : Number(match[1])
  }
  const errors = number(/errors: (\d+)/)
  const shortest = number(/assertion violated .*\(at depth (\d+)\)/)
  const states = number(/(\d+) states, stored/)
  const transitions = number(/(\d+) transitions/)
  const isWhole = errors === 0 && !/Search not completed|max search depth too small/.test(output)
  if (states === undefined || transitions === undefined || (shortest === undefined && !isWhole))
    throw new Error(`pan came to no verdict:\n${output}`)
  return { states, transitions, shortest }
}
