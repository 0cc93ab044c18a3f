/** What is wrong with a text that somebody gave, in one sentence, and where. */
export interface TextError {
  /** The code of the fact sheet, where it has one. */
  readonly code?: string
  /** Counted from 1, in the text as it was given. */
  readonly line?: number
  readonly column?: number
  /** Says what is wrong, where, and what to do. One line, no markup. */
  readonly sentence: string
}

export type Result<T> =
  | { readonly ok: true; readonly value: T; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly error: TextError }

export const success = <T>(value: T, warnings: readonly string[] = []): Result<T> => ({
  ok: true,
  value,
  warnings,
})

export const failure = (
  sentence: string,
  where: Omit<TextError, 'sentence'> = {},
): Result<never> => ({
  ok: false,
  error: { ...where, sentence },
})

const SHOWN = 40

/** A piece of hostile text for a sentence: short, on one line, without control characters. */
export function quoted(text: string): string {
  const characters = Array.from(text.slice(0, 2 * SHOWN + 2), (c) => (isControl(c) ? '�' : c))
  const clipped = characters.length > SHOWN || text.length > 2 * SHOWN + 2
  return `"${characters.slice(0, SHOWN).join('')}${clipped ? '…' : ''}"`
}

/** C0, DEL, C1, line separators, lone surrogates, and what is invisible or turns text around. */
const CONTROL = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u

export const isControl = (character: string): boolean => CONTROL.test(character)

/** Index of the first control character, in UTF-16 units; -1 if there is none. */
export const firstControl = (text: string): number => text.search(CONTROL)
