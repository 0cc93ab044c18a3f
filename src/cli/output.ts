/** Bad input: one sentence on stderr, nothing on stdout, exit 2. */
export class UserError extends Error {}

/** Exit code where a search was stopped before it could know. */
export const UNDECIDED = 3

export const say = (text: string, to: NodeJS.WriteStream = process.stdout): void => {
  to.write(`${text}\n`)
}

export const sayJson = (value: unknown): void => say(JSON.stringify(value, null, 2))

/** A number, with its word: `1 step`, `1,200 steps`. */
export function counted(count: number | undefined, what = '', ending = 's'): string {
  const figure = (count ?? 0).toLocaleString('en')
  return what === '' ? figure : `${figure} ${what}${count === 1 ? '' : ending}`
}
