import { failure, quoted, type Result, success } from '../text/result'
import { type IomemLine, lineError } from './line'
import { type IomemNode, MAX_PRINTED_DEPTH } from './node'

/** Real machines reach a depth of about 12; a deeper tree is made to harm what walks over it. */
export const MAX_IOMEM_DEPTH = 64
const MAX_TREE_WARNINGS = 20

/** A node that further lines can still be put under. */
interface Open {
  /** Undefined for the root, which is never printed. */
  readonly node: IomemNode | undefined
  readonly children: IomemNode[]
  /** The last child that is not inconsistent, and has an address. */
  before: IomemNode | undefined
}

interface Problem {
  readonly code: 'E08' | 'E09' | 'E10'
  readonly says: string
}

const REMEDY = 'a torn read does this, so read it in lenient mode, or capture it again'

/**
 * Nests lines by their indent; below depth 5 by their ranges. Nodes without the tag `inconsistent`
 * form a valid tree: inside their parents, ascending, disjoint. A range 0-0 is an address that the
 * kernel hid, and is never checked. Errors E05, E08–E10 (strict only), and E17 for a hostile depth.
 */
export class IomemTree {
  readonly nodes: IomemNode[] = []
  readonly warnings: string[] = []
  private readonly open: Open[] = [{ node: undefined, children: this.nodes, before: undefined }]
  private readonly strict: boolean
  private printedBefore = -1
  private inconsistent = 0

  constructor(strict: boolean) {
    this.strict = strict
  }

  add(line: IomemLine): Result<IomemNode> {
    if (line.depth > this.printedBefore + 1)
      return lineError(
        'E05',
        line.line,
        2 * line.depth,
        'indent deeper than previous line allows; a child has two spaces more than its parent',
      )
    const parent = this.parentOf(line)
    const problem = inconsistency(line, parent)
    if (problem !== undefined && this.strict)
      return lineError(problem.code, line.line, 2 * line.depth, `${problem.says}; ${REMEDY}`)
    if (this.open.length > MAX_IOMEM_DEPTH)
      return failure(
        `Line ${line.line.number}: the ranges nest deeper than ${MAX_IOMEM_DEPTH} levels; no machine has that (E17).`,
        { code: 'E17', line: line.line.number, column: 1 },
      )
    const node = this.nodeOf(line, problem)
    parent.children.push(node)
    if (problem === undefined && !isHidden(line)) parent.before = node
    this.open.push({ node, children: node.children, before: undefined })
    this.printedBefore = line.depth
    return success(node)
  }

  /** The tree's warnings, bounded: a long torn listing has thousands. */
  allWarnings(): string[] {
    const more = this.inconsistent - this.warnings.length
    return more > 0 ? [...this.warnings, `${more} more lines are inconsistent.`] : this.warnings
  }

  private parentOf(line: IomemLine): Open {
    const { open } = this
    open.length = Math.min(
      open.length,
      line.depth === MAX_PRINTED_DEPTH ? open.length : line.depth + 1,
    )
    while (open.length > line.depth + 1 && !holds(open.at(-1)?.node, line)) open.pop()
    return open.at(-1) as Open
  }

  private nodeOf({ line, start, end, name }: IomemLine, problem: Problem | undefined): IomemNode {
    const depth = this.open.length - 1
    const node: IomemNode = { start, end, name, depth, line: line.number, children: [] }
    if (problem === undefined) return node
    node.inconsistent = `${problem.code}: ${problem.says} (torn read?)`
    this.inconsistent += 1
    if (this.warnings.length < MAX_TREE_WARNINGS)
      this.warnings.push(
        `Line ${line.number}: ${problem.says}; the line is kept as inconsistent (torn read?) (${problem.code}).`,
      )
    return node
  }
}

interface Range {
  readonly start: bigint
  readonly end: bigint
}

/** True for 0-0, which is what a reader without CAP_SYS_ADMIN sees (kernel/resource.c, r_show). */
export const isHidden = ({ start, end }: Range): boolean => start === 0n && end === 0n

const holds = (outer: Range | undefined, inner: Range): boolean =>
  outer !== undefined &&
  !isHidden(outer) &&
  !isHidden(inner) &&
  outer.start <= inner.start &&
  inner.end <= outer.end

function inconsistency(line: IomemLine, { node, before }: Open): Problem | undefined {
  if (isHidden(line)) return undefined
  if (node !== undefined && !isHidden(node) && !holds(node, line))
    return { code: 'E08', says: `child not inside parent ${named(node)}` }
  if (before === undefined || line.start > before.end) return undefined
  return line.start < before.start
    ? { code: 'E10', says: `siblings out of order: ${named(before)} lies higher` }
    : { code: 'E09', says: `overlaps previous sibling ${named(before)}` }
}

const named = ({ name, line }: IomemNode): string => `${quoted(name)} (line ${line})`
