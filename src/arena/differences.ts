import { entries } from './dump'
import type { Heap } from './heap'

/** A field that has another value in another heap; where a row or run is in one alone, it has no field. */
export interface Difference {
  readonly where: string
  readonly field: string
  readonly a: string
  readonly b: string
}

const THERE = 'there'
const NOT_THERE = 'not there'

/** In what the states of two heaps differ, field by field; their texts and numbers are compared, not their words. */
export function differences(a: Heap, b: Heap): Difference[] {
  const left = byPlace(a)
  const right = byPlace(b)
  const places = [...new Set([...left.keys(), ...right.keys()])]
  return places.flatMap((where): Difference[] => {
    const was = left.get(where)
    const is = right.get(where)
    if (was === undefined) return [{ where, field: '', a: NOT_THERE, b: THERE }]
    if (is === undefined) return [{ where, field: '', a: THERE, b: NOT_THERE }]
    return [...was].flatMap(([field, value]) => {
      const other = is.get(field) ?? NOT_THERE
      return value === other ? [] : [{ where, field, a: value, b: other }]
    })
  })
}

const byPlace = (heap: Heap): Map<string, ReadonlyMap<string, string>> =>
  new Map(entries(heap).map(({ where, fields }) => [where, new Map(fields)]))
