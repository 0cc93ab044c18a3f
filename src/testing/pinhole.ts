import { spawnSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from '../cli/command'

/** Runs a command of the terminal, as a user would. */
export function pinhole(args: readonly string[], input = '') {
  const result = spawnSync('node_modules/.bin/tsx', ['src/cli/main.ts', ...args], {
    input,
    encoding: 'utf8',
  })
  return { status: result.status, stdout: result.stdout, stderr: result.stderr }
}

/** Runs a command in this process, which is quicker; its arguments must be good. */
export async function said(command: Command, args: readonly string[]) {
  const { stdout } = process
  const write = stdout.write
  const texts: string[] = []
  stdout.write = (text: string | Uint8Array) => texts.push(String(text)) > 0
  try {
    const status = await command.run(args)
    return { status, stdout: texts.join('') }
  } finally {
    stdout.write = write
  }
}

/** A file with this text; returns its path. */
export const file = (text: string): string => {
  const path = join(mkdtempSync(join(tmpdir(), 'pinhole-')), 'input')
  writeFileSync(path, text)
  return path
}
