import ts from 'typescript'
import type { SourceFile } from './files'

const MAX_FILE = 300
const MAX_FUNCTION = 60

/** Lines of code: without blank lines and comments. */
function codeLines(text: string): number {
  const bare = text.replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ''))
  return bare.split('\n').filter((line) => !/^\s*(\/\/.*)?$/.test(line)).length
}

/** Files and functions that are too long. Tables (object literals of steps) are data and may be long. */
export function tooLong(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    const lines = codeLines(text)
    const long =
      lines > MAX_FILE && !isTable(path)
        ? [`${path}: ${lines} lines of code, ${MAX_FILE} at most`]
        : []
    return [...long, ...longFunctions(path, text)]
  })
}

/** A recorded machine is a table. */
const isTable = (path: string): boolean => path.startsWith('src/scenarios/machines/')

function longFunctions(path: string, text: string): string[] {
  const source = ts.createSourceFile(
    path,
    text,
    ts.ScriptTarget.ES2023,
    true,
    path.endsWith('x') ? ts.ScriptKind.TSX : ts.ScriptKind.TS,
  )
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    const body = ts.isFunctionLike(node) && 'body' in node ? node.body : undefined
    if (body !== undefined && !returnsTable(body)) {
      const lines = codeLines(body.getText(source))
      const line = source.getLineAndCharacterOfPosition(node.getStart()).line + 1
      if (lines > MAX_FUNCTION)
        found.push(`${path}:${line}: a function of ${lines} lines, ${MAX_FUNCTION} at most`)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

/** A factory that gives an operation is the operation's table; its steps are measured one by one. */
const returnsTable = (body: ts.Node): boolean =>
  /^(\{[^}]{0,120}return )?\s*operation\(\{/.test(body.getText())

export const starExports = (files: readonly SourceFile[]): string[] =>
  files.filter(({ text }) => /^\s*export \*/m.test(text)).map(({ path }) => `${path}: export *`)

export const defaultExports = (files: readonly SourceFile[]): string[] =>
  files
    .filter(({ text }) => /^\s*export default/m.test(text))
    .map(({ path }) => `${path}: default export`)

/** Words that make the engine depend on more than its heap. */
const IMPURE =
  /\b(Math\.random|Date\.now|new Date|performance\.|setTimeout|setInterval|fetch\(|window\.|document\.|console\.|process\.[a-z])/

export const impurities = (files: readonly SourceFile[]): string[] =>
  files
    .filter(({ path }) => /^src\/(arena|machine|linux|scenarios|checker)\//.test(path))
    .flatMap(({ path, text }) => {
      const found = IMPURE.exec(text)
      return found === null ? [] : [`${path}: uses ${found[0]}`]
    })

/** kebab-case; or the kernel's own name with underscores below linux; or a component's in PascalCase. */
export function badNames(paths: readonly string[]): string[] {
  return paths.filter((path) => {
    if (!path.startsWith('src/')) return false
    const parts = path.split('/').slice(1)
    const file = (parts.pop() ?? '').replace(/(\.test|\.properties)*\.\w+$/, '')
    const kebab = /^[a-z0-9]+(-[a-z0-9]+)*$/
    const kernel = path.startsWith('src/linux/') && /^[a-z0-9_-]+$/.test(file)
    const component = path.endsWith('.tsx') && /^[A-Z][A-Za-z]+$/.test(file)
    const fixture = path.includes('/fixtures/')
    return (
      !fixture &&
      !(parts.every((part) => kebab.test(part)) && (kebab.test(file) || kernel || component))
    )
  })
}
