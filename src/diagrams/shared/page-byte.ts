import type { Change } from '../../arena'
import type { Kernel } from '../../linux/kernel'
import { bytesOf } from '../../linux/mm/contents'
import type { Byte } from './cards'
import { was, wasAtKey } from './changed'

/**
 * What a page holds, for the chip that looks the same wherever somebody reads it. The rest of a page
 * that nobody has stored to is 0, and not drawn.
 */
export function byteOf(k: Kernel, pfn: number, changes: readonly Change[]): Byte {
  const { value, rest } = bytesOf(k, pfn)
  const before = wasAtKey(changes, 'contents', 0, pfn, 'value')
  return { value, ...(rest === value || rest === 0 ? {} : { rest }), ...was(before, Number) }
}
