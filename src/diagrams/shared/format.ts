const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** A size in the largest unit that keeps it whole, or else with one decimal: `8 MiB`, `1.5 GiB`. */
export function size(bytes: number): string {
  let unit = 0
  let value = bytes
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${UNITS[unit]}`
}

export const hex = (value: number): string => `0x${value.toString(16)}`

/** `0x60400` for one page, `0x60400…0x605ff` for more. */
export const pageRange = (start: number, pages: number): string =>
  pages === 1 ? hex(start) : `${hex(start)}…${hex(start + pages - 1)}`

export const pageCount = (pages: number): string =>
  pages === 1 ? '1 page' : `${pages.toLocaleString('en')} pages`

/** As /proc/iomem prints a range. */
export function addressRange(start: number, end: number): string {
  const digits = (address: number) => address.toString(16).padStart(8, '0')
  return `${digits(start)}–${digits(end)}`
}

/** A 64-bit word in two halves: `00000403 00000001`. */
export function hexWord(value: bigint): string {
  const digits = BigInt.asUintN(64, value).toString(16).padStart(16, '0')
  return `0x${digits.slice(0, 8)} ${digits.slice(8)}`
}
