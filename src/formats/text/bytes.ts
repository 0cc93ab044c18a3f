const MAX_TEXT = 255

/** Numbers of seven bits a byte, lowest first, and short texts. */
export class ByteWriter {
  private readonly bytes: number[] = []

  byte(value: number): void {
    this.bytes.push(value & 0xff)
  }

  /** A whole number from 0 to 2^53. */
  number(value: number): void {
    let rest = value
    while (rest >= 128) {
      this.bytes.push((rest % 128) + 128)
      rest = Math.floor(rest / 128)
    }
    this.bytes.push(rest)
  }

  /** A whole number of at most 52 bits, and its sign. */
  signed(value: number): void {
    this.number(value < 0 ? 2 * -value - 1 : 2 * value)
  }

  text(value: string): void {
    const units = [...value].slice(0, MAX_TEXT)
    this.number(units.length)
    for (const unit of units) this.number(unit.codePointAt(0) ?? 0)
  }

  done(): Uint8Array {
    return Uint8Array.from(this.bytes)
  }
}

/** Reads what a ByteWriter wrote; anything else is a RangeError with a half sentence. */
export class ByteReader {
  private at = 0

  constructor(private readonly bytes: Uint8Array) {}

  byte(): number {
    const value = this.bytes[this.at++]
    if (value === undefined) throw new RangeError('it ends too early.')
    return value
  }

  number(): number {
    let value = 0
    let scale = 1
    for (;;) {
      const byte = this.byte()
      value += (byte % 128) * scale
      if (!Number.isSafeInteger(value)) throw new RangeError('it has a number that is too large.')
      if (byte < 128) return value
      scale *= 128
    }
  }

  signed(): number {
    const value = this.number()
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  text(): string {
    const length = this.number()
    if (length > MAX_TEXT) throw new RangeError('it has a text that is too long.')
    return Array.from({ length }, () => {
      const point = this.number()
      if (point < 0x20 || point > 0x10ffff) throw new RangeError('it has a text that is none.')
      return String.fromCodePoint(point)
    }).join('')
  }

  end(): void {
    if (this.at !== this.bytes.length) throw new RangeError('it goes on behind its end.')
  }
}
