import type { StateTable } from './state-table'

/** A part, and the number of the content that it has. */
export interface Term {
  readonly part: number
  readonly value: number
}

export interface Guarded {
  /** Where it applies: in the states where each of these parts has this content. */
  readonly guard: readonly Term[]
}

/** Rules whose guards look at the same parts. */
interface Shape {
  readonly parts: readonly number[]
  /** How many rules apply, by the contents of those parts. */
  readonly counts: Map<string, number>
}

const valuesKey = (values: readonly number[]): string => values.join(' ')

/** Rules over the parts of states, each once. */
export class Rules<R extends Guarded> {
  readonly list: R[] = []
  private readonly known = new Map<string, string>()
  private readonly shapes = new Map<string, Shape>()

  constructor(private readonly table: StateTable) {}

  /** Adds a rule, unless one of this name and guard is there: then it must have the same effect. */
  add(name: string, rule: R, effects: readonly Term[] = []): void {
    const key = `${name}|${termsText(rule.guard)}`
    const effect = termsText(effects)
    const known = this.known.get(key)
    if (known !== undefined && known !== effect)
      throw new Error(`${name}: from the same contents it led to “${known}” and to “${effect}”`)
    if (known !== undefined) return
    this.known.set(key, effect)
    this.list.push(rule)
    this.count(rule.guard)
  }

  /** Throws unless exactly so many rules apply in a state. */
  expect(state: number, count: number): void {
    let applying = 0
    for (const { parts, counts } of this.shapes.values())
      applying += counts.get(valuesKey(parts.map((part) => this.table.valueOf(state, part)))) ?? 0
    if (applying !== count)
      throw new Error(`state ${state}: ${applying} rules apply where ${count} should`)
  }

  private count(guard: readonly Term[]): void {
    const parts = guard.map(({ part }) => part)
    const name = valuesKey(parts)
    const shape = this.shapes.get(name) ?? { parts, counts: new Map<string, number>() }
    this.shapes.set(name, shape)
    const values = valuesKey(guard.map(({ value }) => value))
    shape.counts.set(values, (shape.counts.get(values) ?? 0) + 1)
  }
}

const termsText = (terms: readonly Term[]): string =>
  terms.map(({ part, value }) => `${part}=${value}`).join(' ')
