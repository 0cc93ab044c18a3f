import { type FormEvent, useState } from 'react'
import type { FieldProps } from '../board/part'

/** Addresses have 52 bits. */
const MAX_HPA = 2 ** 52

/** `0x480003010`, or without the 0x; undefined for what is no address. */
export function readAddress(text: string): number | undefined {
  const digits = /^\s*(?:0x)?([0-9a-f_]{1,16})\s*$/i.exec(text)?.[1]?.replaceAll('_', '') ?? ''
  const value = Number.parseInt(digits, 16)
  return Number.isSafeInteger(value) && value < MAX_HPA ? value : undefined
}

/** Where a host physical address is typed: which card has it is printed below. */
export function AddressField({ place, onAsk }: FieldProps) {
  const [text, setText] = useState('')
  const isWrong = text !== '' && readAddress(text) === undefined
  const onSubmit = (event: FormEvent) => {
    event.preventDefault()
    onAsk(readAddress(text))
  }
  return (
    <form
      className="address-field"
      style={{ left: place.x, top: place.y, width: place.width }}
      onSubmit={onSubmit}
    >
      <input
        aria-label="Host physical address, in hex"
        aria-invalid={isWrong}
        title={isWrong ? 'Type an address in hex, such as 0x480003010.' : 'In hex'}
        placeholder="HPA, such as 0x480003010"
        spellCheck={false}
        value={text}
        onChange={(event) => {
          setText(event.target.value)
          const hpa = readAddress(event.target.value)
          if (hpa !== undefined) onAsk(hpa)
        }}
      />
    </form>
  )
}
