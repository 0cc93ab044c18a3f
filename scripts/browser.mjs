import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

/** Debian's Chromium: the browser where Playwright's own download is not to be had. */
const SYSTEM_CHROMIUM = '/usr/bin/chromium'
const isRoot = process.getuid?.() === 0
const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
const works = (command, args) => spawnSync(command, args, { stdio: 'ignore', env }).status === 0

/** Makes sure that there is a browser: the system's, else apt's, else Playwright's own. */
export function installBrowser() {
  if (existsSync(SYSTEM_CHROMIUM)) return true
  if (isRoot && works('apt-get', ['--version'])) {
    console.log('Installing Chromium with apt …')
    const installed =
      works('apt-get', ['update', '-q']) && works('apt-get', ['install', '-y', '-q', 'chromium'])
    if (installed && existsSync(SYSTEM_CHROMIUM)) return true
  }
  console.log('Installing Playwright’s Chromium …')
  return works('npx', ['playwright', 'install', 'chromium'])
}

/** Launch options for Playwright. */
export function browserOptions() {
  const args = [
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    // A browser refuses its sandbox to root.
    ...(isRoot ? ['--no-sandbox'] : []),
  ]
  return existsSync(SYSTEM_CHROMIUM) ? { executablePath: SYSTEM_CHROMIUM, args } : { args }
}
