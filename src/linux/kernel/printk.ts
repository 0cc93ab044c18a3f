import type { Kernel } from '../kernel'

/** Logs a line; the oldest gives way when the log is full. */
export function printk(k: Kernel, line: string): void {
  if (!k.log.isFull) {
    k.log.make({ line })
    return
  }
  const rows = k.log.rows()
  rows.forEach((row, i) => {
    row.line = rows[i + 1]?.line ?? line
  })
}
