import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

const KIB = 1024
const assets = 'dist/assets'

const gzipped = (file) => gzipSync(readFileSync(file)).length

/** The scripts that index.html loads before anything is clicked. */
function firstLoad() {
  const html = readFileSync('dist/index.html', 'utf8')
  const files = [...html.matchAll(/(?:src|href)="\.\/(assets\/[^"]+\.js)"/g)].map(
    ([, file]) => file,
  )
  return files.map((file) => join('dist', file))
}

/** A script with all that it stands on, as its first line says. */
function standsOn(file, seen = new Set()) {
  if (seen.has(file)) return seen
  seen.add(file)
  const [, needs = '[]'] = /^pinholeChunk\("[^"]*",(\[.*?\])/.exec(readFileSync(file, 'utf8')) ?? []
  for (const need of JSON.parse(needs)) standsOn(join(assets, need), seen)
  return seen
}

const named = (part) =>
  existsSync(assets)
    ? readdirSync(assets)
        .filter((file) => file.startsWith(part) && file.endsWith('.js'))
        .map((file) => join(assets, file))
    : []

/** What the worker takes beyond what every page fetches: its first load, and then the library. */
function workerOnly() {
  const fetched = new Set(
    ['index-', 'scenarios-', 'policies-'].flatMap(named).flatMap((file) => [...standsOn(file)]),
  )
  return named('check-worker').flatMap((file) =>
    [...standsOn(file)].filter((needed) => !fetched.has(needed)),
  )
}

const budgets = [
  { what: 'first load', files: firstLoad(), limit: 180 * KIB },
  { what: 'worker', files: workerOnly(), limit: 40 * KIB },
]

let failed = false
for (const { what, files, limit } of budgets) {
  const size = files.reduce((sum, file) => sum + gzipped(file), 0)
  const isOver = size > limit || files.length === 0
  failed ||= isOver
  console.log(
    `${what}: ${(size / KIB).toFixed(1)} KiB gzip of ${limit / KIB} KiB${isOver ? '  TOO LARGE' : ''}`,
  )
}
process.exit(failed ? 1 : 0)
