import { errnos } from '../../linux/include/errno'

const names = new Map<number, string>(Object.entries(errnos).map(([name, value]) => [value, name]))

/** An errno as recordings write it: its name, or `0`. */
export const errnoText = (ret: number): string => (ret >= 0 ? '0' : (names.get(-ret) ?? `E${-ret}`))

/** Recordings write some errnos as numbers (`E9`): the name of either form. */
export function errnoCanonical(text: string): string {
  const number = /^E(\d+)$/.exec(text)?.[1]
  return number === undefined ? text : (names.get(Number(number)) ?? text)
}
