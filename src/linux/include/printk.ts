import { struct, text } from '../../arena'

/** A line that the kernel logged. */
export const LogLine = struct('printk_log', { line: text('The line.') })
