import { existsSync } from 'node:fs'
import { aptInstalls, isRoot, works } from './apt.mjs'

/** Debian's Chromium: the browser where Playwright's own download is not to be had. */
const SYSTEM_CHROMIUM = '/usr/bin/chromium'

/** Makes sure that there is a browser: the system's, else apt's, else Playwright's own. */
export function installBrowser() {
  if (existsSync(SYSTEM_CHROMIUM)) return true
  if (aptInstalls('chromium') && existsSync(SYSTEM_CHROMIUM)) return true
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
