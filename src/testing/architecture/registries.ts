import { readFileSync } from 'node:fs'
import type { SourceFile } from './files'

/** Operations that are declared and not in the list. */
export function unlistedOperations(files: readonly SourceFile[], list: string): string[] {
  const declared = files
    .filter(({ path }) => path.startsWith('src/linux/') && path !== 'src/linux/operation.ts')
    .flatMap(({ path, text }) =>
      [...text.matchAll(/^export const (\w+) = (?:operation|\w+(?:Of|Operation))\(/gm)].map(
        (match) => ({ path, name: match[1] ?? '' }),
      ),
    )
    .filter(({ name }) => !/Of$/.test(name))
  const listed = list.slice(list.indexOf('export const '))
  return declared
    .filter(({ name }) => !new RegExp(`\\b${name}\\b`).test(listed))
    .map(({ path, name }) => `${path}: ${name}`)
}

/** Files of a folder that neither its index nor the lists below the folder import. */
export function unlistedFiles(
  files: readonly SourceFile[],
  folder: string,
  index: string,
): string[] {
  const lists = files.filter(({ path }) => path.startsWith(`${folder}/families/`))
  const text = [readFileSync(index, 'utf8'), ...lists.map((list) => list.text)].join('\n')
  return files
    .map(({ path }) => path)
    .filter((path) => path.startsWith(`${folder}/`) && path !== index)
    .filter((path) => !path.slice(folder.length + 1).includes('/'))
    .filter((path) => !text.includes(`./${path.slice(folder.length + 1).replace(/\.tsx?$/, '')}'`))
}

/** Folders below a folder that its index does not import from. */
export function unlistedFolders(
  files: readonly SourceFile[],
  folder: string,
  index: string,
): string[] {
  const text = readFileSync(index, 'utf8')
  const names = files
    .filter(({ path }) => path.startsWith(`${folder}/`))
    .map(({ path }) => path.slice(folder.length + 1))
    .filter((path) => path.includes('/'))
    .map((path) => path.split('/')[0] ?? '')
  return [...new Set(names)].filter((name) => name !== 'shared' && !text.includes(`./${name}/`))
}
