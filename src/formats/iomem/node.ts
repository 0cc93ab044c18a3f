/** A node of an iomem tree as /proc/iomem prints it (struct resource, include/linux/ioport.h). */
export interface IomemNode {
  /** First physical address, exact to 64 bits. */
  readonly start: bigint
  /** Last physical address, inclusive. */
  readonly end: bigint
  readonly name: string
  /** 0 at the top. May be more than the 5 levels that the kernel indents. */
  readonly depth: number
  /** Line of the text, from 1. */
  readonly line: number
  readonly children: IomemNode[]
  /** Only after lenient reading: why the tree cannot have looked like this at one moment. */
  inconsistent?: string
}

/** MAX_IORES_LEVEL (kernel/resource.c): deeper nodes are printed with the indent of this depth. */
export const MAX_PRINTED_DEPTH = 5

/** What r_show() (kernel/resource.c) prints for a node without a name. */
export const NAMELESS = '<BAD>'
