import { spawnSync } from 'node:child_process'

const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }

export const isRoot = process.getuid?.() === 0

/** True if the command can be run, and succeeds. */
export const works = (command, args) =>
  spawnSync(command, args, { stdio: 'ignore', env }).status === 0

/** Installs a package with apt, where that is allowed; true if it was installed. */
export function aptInstalls(name) {
  if (!isRoot || !works('apt-get', ['--version'])) return false
  console.log(`Installing ${name} with apt …`)
  return works('apt-get', ['update', '-q']) && works('apt-get', ['install', '-y', '-q', name])
}
