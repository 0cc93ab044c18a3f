import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { installPackages } from './install.mjs'

installPackages()
const { build, preview } = await import('vite')

if (
  newest(['src', 'public', 'index.html', 'package-lock.json', 'vite.config.ts']) >
  modified('dist/index.html')
) {
  await build({ logLevel: 'warn' })
}
const server = await preview({ preview: { port: 4173, host: '127.0.0.1' }, logLevel: 'warn' })
console.log(`Pinhole is at ${server.resolvedUrls?.local[0]}  (Ctrl-C ends it)`)

/** When a file last changed, in milliseconds; 0 if there is none. */
function modified(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

/** When the newest of some files and folders last changed. */
function newest(paths) {
  return Math.max(
    ...paths.map((path) =>
      statSync(path, { throwIfNoEntry: false })?.isDirectory()
        ? Math.max(0, newest(readdirSync(path).map((name) => join(path, name))))
        : modified(path),
    ),
  )
}
