import type { Export } from '../store/exports'

/** Hands a file to the reader. */
export function save({ name, text }: Export): void {
  const address = URL.createObjectURL(new Blob([text], { type: 'text/plain' }))
  const anchor = document.createElement('a')
  anchor.href = address
  anchor.download = name
  anchor.click()
  URL.revokeObjectURL(address)
}
