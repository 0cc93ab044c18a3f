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
  const plain = Array.from(text, (c) => (isControl(c) ? '�' : c)).join('')
  return `"${plain.length > SHOWN ? `${plain.slice(0, SHOWN)}…` : plain}"`
}

/** C0, DEL, C1, and what turns the direction of text around. */
export function isControl(character: string): boolean {
  const code = character.codePointAt(0) ?? 0
  return (
    code < 0x20 ||
    (code >= 0x7f && code < 0xa0) ||
    (code >= 0x200e && code <= 0x200f) ||
    (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2066 && code <= 0x2069) ||
    (code >= 0xd800 && code <= 0xdfff)
  )
}
