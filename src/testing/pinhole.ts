import { spawnSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Runs a command of the terminal, as a user would. */
export function pinhole(args: readonly string[], input = '') {
  const result = spawnSync('node_modules/.bin/tsx', ['src/cli/main.ts', ...args], {
    input,
    encoding: 'utf8',
  })
  return { status: result.status, stdout: result.stdout, stderr: result.stderr }
}

/** A file with this text; returns its path. */
export const file = (text: string): string => {
  const path = join(mkdtempSync(join(tmpdir(), 'pinhole-')), 'input')
  writeFileSync(path, text)
  return path
}
