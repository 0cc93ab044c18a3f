/** Bad input: one sentence on stderr, nothing on stdout, exit 2. */
export class UserError extends Error {}

export const say = (text: string, to: NodeJS.WriteStream = process.stdout): void => {
  to.write(`${text}\n`)
}

export const sayJson = (value: unknown): void => say(JSON.stringify(value, null, 2))

export const counted = (count: number | undefined, what: string, ending = 's'): string =>
  `${count} ${what}${count === 1 ? '' : ending}`
