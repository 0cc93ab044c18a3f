import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

const STAMP = 'node_modules/.pinhole-lock-hash'
const QUIET = ['--no-audit', '--no-fund', '--loglevel=error']

const npm = (args, stdio) => spawnSync('npm', [...args, ...QUIET], { stdio }).status === 0

/** Installs the packages of the lock file, unless exactly these are there. */
export function installPackages() {
  const wanted = createHash('sha256').update(readFileSync('package-lock.json')).digest('hex')
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return
  console.log('Installing packages …')
  // A mirror may lack binaries for other platforms than this one; `npm ci` then finds the lock file
  // incomplete, where `npm install` takes the same versions and leaves the others out.
  if (!npm(['ci'], 'ignore') && !npm(['install', '--no-save'], 'inherit')) {
    console.error('No packages: is the npm registry reachable, and Node 20.19+ or 22.12+ in use?')
    process.exit(1)
  }
  writeFileSync(STAMP, wanted)
}
