import type { Difference } from '../arena'
import type { Kernel } from '../linux/kernel'
import { contentsOf, contentText, isPositionOf, labelOf, type PartContents } from './contents'
import type { Search } from './search'

/** What a state is called in both of two searches: equal keys are equal states. */
export interface Keys {
  /** All of the state. */
  whole(state: number): string
  /** The kernel’s memory: without where the threads stand in their calls. */
  memory(state: number): string
}

/** For each content of a part the number that its text has on both sides. */
interface Column {
  /** The part in this search; undefined where it has none of this label. */
  readonly part: number | undefined
  readonly whole: readonly number[]
  readonly memory: readonly number[]
}

type Fields = PartContents['list'][number]

const NOTHING: PartContents = { list: [new Map()] }

/**
 * Gives the states of two searches keys that can be compared, exactly: texts of contents, never hashes.
 * A field that has one value on one side and another one on the other, from the first state on and
 * always, is no part of them: it is a difference of the setups, and is told once.
 */
export function canonical(
  a: Search<Kernel>,
  b: Search<Kernel>,
): { readonly a: Keys; readonly b: Keys; readonly leftOut: readonly Difference[] } {
  const left = contentsOf(a)
  const right = contentsOf(b)
  const partsOf = ({ table }: Search<Kernel>) =>
    new Map(table.parts.list.map((part, number) => [labelOf(part), number]))
  const partsA = partsOf(a)
  const partsB = partsOf(b)
  const leftOut: Difference[] = []
  const columnsA: Column[] = []
  const columnsB: Column[] = []
  for (const label of new Set([...left.keys(), ...right.keys()])) {
    const inA = left.get(label) ?? NOTHING
    const inB = right.get(label) ?? NOTHING
    const constant = constantlyDifferent(label, inA.list, inB.list)
    leftOut.push(...constant)
    const out = new Set(constant.map(({ field }) => field))
    const whole = numbered(inA, inB, (field) => out.has(field))
    if (whole.count === 1) continue
    const isPosition = isPositionOf(label)
    const memory = isPosition('')
      ? { a: inA.list.map(() => 0), b: inB.list.map(() => 0) }
      : numbered(inA, inB, (field) => out.has(field) || isPosition(field))
    columnsA.push({ part: partsA.get(label), whole: whole.a, memory: memory.a })
    columnsB.push({ part: partsB.get(label), whole: whole.b, memory: memory.b })
  }
  return { a: keysOf(a, columnsA), b: keysOf(b, columnsB), leftOut }
}

function constantlyDifferent(
  where: string,
  a: readonly Fields[],
  b: readonly Fields[],
): Difference[] {
  // The first content is that of the first state: what comes later is what the setups have led to.
  const names = [...(a[0]?.keys() ?? [])].filter((name) => b[0]?.has(name))
  return names.flatMap((field) => {
    const left = only(a, field)
    const right = only(b, field)
    if (left === undefined || right === undefined || left === right) return []
    return [{ where, field, a: left, b: right }]
  })
}

/** The value that a field has wherever it is; undefined where there are several, or none. */
function only(list: readonly Fields[], field: string): string | undefined {
  const values = new Set(list.map((fields) => fields.get(field)))
  values.delete(undefined)
  return values.size === 1 ? [...values][0] : undefined
}

function numbered(a: PartContents, b: PartContents, leftOut: (field: string) => boolean) {
  const numbers = new Map<string, number>()
  const numberOf = (fields: Fields): number => {
    const text = fields.size === 0 ? '' : `there ${contentText(fields, leftOut)}`
    const number = numbers.get(text) ?? numbers.size
    numbers.set(text, number)
    return number
  }
  return { a: a.list.map(numberOf), b: b.list.map(numberOf), count: numbers.size }
}

const keysOf = ({ table }: Search<Kernel>, columns: readonly Column[]): Keys => {
  const key = (state: number, which: 'whole' | 'memory'): string => {
    let text = ''
    for (const column of columns) {
      const value = column.part === undefined ? 0 : table.valueOf(state, column.part)
      text += characters(column[which][value] as number)
    }
    return text
  }
  return { whole: (state) => key(state, 'whole'), memory: (state) => key(state, 'memory') }
}

const ONE = 1 << 15

/** A number as one character, or as two of which the first says so: no two rows of numbers give one text. */
const characters = (number: number): string =>
  number < ONE
    ? String.fromCharCode(number)
    : String.fromCharCode(ONE | (number >>> 15), number & (ONE - 1))
