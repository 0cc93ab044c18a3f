import { PAGE_SIZE } from '../../include/mm'
import type { Kernel } from '../../kernel'

/** The physical range of a device in bytes, inclusive: what its driver claims and gives back. */
export function regionOf(k: Kernel, device: number): { start: number; end: number } {
  const { start, end } = k.namespaces.at(device)
  return { start: start * PAGE_SIZE, end: end * PAGE_SIZE - 1 }
}
