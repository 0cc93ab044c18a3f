/** Plain mails are wrapped behind this column. */
export const COLUMNS = 72

/** A cell of a column: cut, and with one blank behind it at least. */
export const cell = (text: string, width: number): string =>
  `${text.length < width ? text : `${text.slice(0, width - 3)}..`} `.padEnd(width).slice(0, width)

/** Breaks a text at blanks into lines of so many columns; a word that does not fit is cut. */
export function wrapped(text: string, indent = '', columns = COLUMNS): string[] {
  const room = columns - indent.length
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ').map((each) => each.slice(0, room))) {
    if (line !== '' && line.length + 1 + word.length > room) {
      lines.push(indent + line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, indent + line]
}

/** A mail in other characters would be encoded: names and sentences are spelled without them. */
export const ascii = (text: string): string =>
  text
    .replace(/[\u2018\u2019]/g, "'")
    .replace(/[\u201c\u201d]/g, '"')
    .replace(/\u2192/g, '->')
    .replace(/\u2026/g, '...')
    .replace(/[^\n\x20-\x7e]/g, '?')
