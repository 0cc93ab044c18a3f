import { PAGE_SIZE } from '../../linux/include/mm'
import type { Action } from './record'
import type { Session } from './session'

/** `8MiB`, `4MiB+4KiB`, or a number of bytes. */
export function bytesOf(value: unknown): number {
  if (typeof value === 'number') return value
  const units: Record<string, number> = { '': 1, KiB: 1024, MiB: 1 << 20, GiB: 1 << 30 }
  return String(value ?? 0)
    .split('+')
    .reduce((sum, part) => {
      const [, digits = '0', unit = ''] = /^(\d+)([KMG]iB)?$/.exec(part) ?? []
      return sum + Number(digits) * (units[unit] ?? 1)
    }, 0)
}

export const pagesOf = (value: unknown): number => Math.ceil(bytesOf(value) / PAGE_SIZE)
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/** The inode that an action names. */
export function fileOf(session: Session, action: Action): number {
  const inode = session.files.get(textOf(action['file']))
  if (inode === undefined) throw new Error(`replay: there is no file ${String(action['file'])}`)
  return inode
}
