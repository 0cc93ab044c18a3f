import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { installBrowser } from './browser.mjs'
import { installPackages } from './install.mjs'
import { installSpin } from './spin.mjs'

const REPORTS = '.cache/reports'

/** What a stage passed and failed; a stage that counts no tests is one check. */
const checkCount = (status) => ({ passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1 })

/** Counts of a runner's JSON report; a crash, or no test at all, is a failure. */
function reportCount(file, status, read) {
  if (!existsSync(file)) return { passed: 0, failed: 1 }
  const { passed, failed } = read(JSON.parse(readFileSync(file, 'utf8')))
  const crashed = passed + failed === 0 || (status !== 0 && failed === 0)
  return { passed, failed: crashed ? failed + 1 : failed }
}

const vitestReport = `${REPORTS}/vitest.json`
const playwrightReport = `${REPORTS}/playwright.json`

const stages = [
  { name: 'lint', command: ['npx', 'biome', 'check', '.'], count: checkCount },
  { name: 'types', command: ['npx', 'tsc', '-b'], count: checkCount },
  { name: 'dead code', command: ['npx', 'knip'], count: checkCount },
  {
    name: 'unit, property, architecture, recordings',
    command: [
      'npx',
      'vitest',
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${vitestReport}`,
    ],
    count: (status) =>
      reportCount(vitestReport, status, (report) => ({
        passed: report.numPassedTests,
        failed: report.numFailedTests,
      })),
  },
  { name: 'build', command: ['npm', 'run', '--silent', 'build'], count: checkCount },
  { name: 'sizes', command: ['node', 'scripts/sizes.mjs'], count: checkCount },
  {
    name: 'end to end',
    command: ['npx', 'playwright', 'test', '--config', 'e2e/playwright.config.ts'],
    environment: { PLAYWRIGHT_JSON_OUTPUT_NAME: `../${playwrightReport}` },
    count: (status) =>
      reportCount(playwrightReport, status, ({ stats }) => ({
        passed: stats.expected,
        failed: stats.unexpected + stats.flaky,
      })),
  },
]

installPackages()
rmSync(REPORTS, { recursive: true, force: true })
mkdirSync(REPORTS, { recursive: true })
if (!installBrowser())
  console.error('No browser could be installed: the end-to-end tests will fail.')
if (!installSpin()) console.error('SPIN could not be installed: its tests will be skipped.')

const total = { passed: 0, failed: 0 }
for (const { name, command, environment, count } of stages) {
  console.log(`\n── ${name}`)
  const began = Date.now()
  const [program, ...args] = command
  const { status } = spawnSync(program, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...environment },
  })
  const { passed, failed } = count(status)
  total.passed += passed
  total.failed += failed
  const seconds = ((Date.now() - began) / 1000).toFixed(1)
  console.log(`── ${name}: ${passed} passed, ${failed} failed, ${seconds} s`)
}
console.log(`\n${total.passed} passed, ${total.failed} failed`)
process.exit(total.failed === 0 ? 0 : 1)
