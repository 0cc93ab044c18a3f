import { importsOf, resolveImport, type SourceFile } from './files'

/** Folders below src, each with the ones that it may import besides itself. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  arena: [],
  machine: ['arena'],
  linux: ['machine', 'arena'],
  scenarios: ['linux', 'machine', 'arena'],
  formats: ['scenarios', 'linux', 'machine', 'arena'],
  checker: ['scenarios', 'linux', 'machine', 'arena'],
  store: ['formats', 'checker', 'scenarios', 'linux', 'machine', 'arena'],
  diagrams: ['linux', 'machine', 'arena'],
  ui: ['store', 'diagrams', 'formats', 'checker', 'scenarios', 'linux', 'machine', 'arena'],
  embed: ['ui', 'store', 'diagrams', 'formats', 'scenarios', 'linux', 'machine', 'arena'],
  cli: ['formats', 'checker', 'scenarios', 'linux', 'machine', 'arena'],
  'main.tsx': ['embed', 'ui', 'store', 'diagrams'],
}

/** Packages that only some folders may use. */
const PACKAGES: readonly { name: RegExp; folders: readonly string[] }[] = [
  { name: /^react(-dom)?(\/|$)/, folders: ['diagrams', 'ui', 'embed', 'main.tsx'] },
  { name: /^zustand(\/|$)/, folders: ['store'] },
  { name: /^d3-/, folders: ['diagrams'] },
  { name: /^node:/, folders: ['cli'] },
]

const folderOf = (path: string): string => path.split('/')[1] ?? ''

/** Imports that go the wrong way. */
export function layerViolations(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) =>
    importsOf(file).flatMap((specifier) => violation(file.path, specifier)),
  )
}

function violation(path: string, specifier: string): string[] {
  const folder = folderOf(path)
  const allowed = LAYERS[folder]
  if (allowed === undefined) return [`${path}: the folder ${folder} is not in the table of layers`]
  if (!specifier.startsWith('.')) {
    const rule = PACKAGES.find(({ name }) => name.test(specifier))
    return rule === undefined || rule.folders.includes(folder)
      ? []
      : [`${path}: ${folder} may not use ${specifier}`]
  }
  const target = resolveImport(path, specifier)
  if (target === undefined) return [`${path}: ${specifier} is no file`]
  const other = folderOf(target)
  return other === folder || allowed.includes(other)
    ? []
    : [`${path}: ${folder} may not import ${other}`]
}

/** Groups of files that import each other in a circle. */
export function importCycles(files: readonly SourceFile[]): string[] {
  const edges = new Map(
    files.map((file) => [
      file.path,
      importsOf(file).flatMap((specifier) => resolveImport(file.path, specifier) ?? []),
    ]),
  )
  const state = new Map<string, 'open' | 'done'>()
  const cycles: string[] = []
  const visit = (path: string, trail: readonly string[]): void => {
    if (state.get(path) === 'done') return
    if (state.get(path) === 'open') {
      cycles.push([...trail.slice(trail.indexOf(path)), path].join(' → '))
      return
    }
    state.set(path, 'open')
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path])
    state.set(path, 'done')
  }
  for (const { path } of files) visit(path, [])
  return cycles
}

/** Files that come along when one is loaded: what it imports but for types, and so on. */
export function broughtAlong(files: readonly SourceFile[], path: string): SourceFile[] {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const found = new Map<string, SourceFile>()
  const visit = (at: string): void => {
    const file = byPath.get(at)
    if (file === undefined || found.has(at)) return
    found.set(at, file)
    const text = file.text.replace(/^import type [^'"]*from '[^']+'/gm, '')
    for (const specifier of importsOf({ path: at, text })) visit(resolveImport(at, specifier) ?? '')
  }
  visit(path)
  return [...found.values()]
}
