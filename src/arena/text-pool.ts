/**
 * Names as words. The word is a hash of the text, so that the same name is the same word in every
 * session, whatever was named before; two different names that collide get neighbouring words.
 */
export class TextPool {
  private readonly texts = new Map<number, string>([[0, '']])
  private readonly words = new Map<string, number>([['', 0]])

  word(text: string): number {
    const known = this.words.get(text)
    if (known !== undefined) return known
    let word = hashOf(text)
    while (word === 0 || this.texts.has(word)) word = (word + 1) | 0
    this.texts.set(word, text)
    this.words.set(text, word)
    return word
  }

  /** All texts with their words, in the order in which they came. */
  get entries(): readonly (readonly [text: string, word: number])[] {
    return [...this.words]
  }

  text(word: number): string {
    const text = this.texts.get(word)
    if (text === undefined) throw new Error(`text pool: no text for word ${word}`)
    return text
  }
}

/** FNV-1a over UTF-16 units. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash
}
