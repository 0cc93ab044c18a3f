import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

/** A source file of the project, path from its root. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}

/** Every file that git has or would take, except what was deleted. */
export function projectFiles(): string[] {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard']
  const listed = execFileSync('git', args, { encoding: 'utf8' })
  return [...new Set(listed.trim().split('\n'))].filter((path) => existsSync(path)).sort()
}

/** TypeScript below src, tests left out. */
export const sourceFiles = (): SourceFile[] =>
  projectFiles()
    .filter((path) => /^src\/.*\.tsx?$/.test(path) && !isTest(path))
    .map((path) => ({ path, text: readFileSync(path, 'utf8') }))

export const isTest = (path: string): boolean =>
  /\.test\.tsx?$/.test(path) || path.startsWith('src/testing/')

const IMPORT = /(?:^|\n)\s*(?:import|export)\s[^'"]*?from\s*'([^']+)'|(?:^|\n)import\s*'([^']+)'/g

/** What a file imports, as written. */
export const importsOf = ({ text }: SourceFile): string[] =>
  [...text.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? '')

/** The file of the project that a relative import means. */
export function resolveImport(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined
  const base = normalize(join(dirname(from), specifier))
  return ['', '.ts', '.tsx', '/index.ts']
    .map((end) => base + end)
    .find((path) => /\.\w+$/.test(path) && existsSync(path))
}
