import type { Change } from '../../arena'

/** The value that a field of a row had before the last step, if that step changed it. */
export function wasInRow(
  changes: readonly Change[],
  table: string,
  id: number,
  field: string,
): unknown {
  const change = changes.find(
    (each) =>
      each.table === table &&
      each.field === field &&
      each.where.kind === 'row' &&
      each.where.id === id,
  )
  return change?.before
}

/** The same for a key of a range table. */
export function wasAtKey(
  changes: readonly Change[],
  table: string,
  space: number,
  key: number,
  field: string,
): unknown {
  const change = changes.find(
    ({ table: name, field: changed, where }) =>
      name === table &&
      changed === field &&
      where.kind === 'keys' &&
      where.space === space &&
      where.start <= key &&
      key < where.end,
  )
  return change?.before
}

/** `{ was }` where there is a former value, for the optional field of a row. */
export const was = <T>(before: unknown, show: (value: never) => T): { was?: T } =>
  before === undefined ? {} : { was: show(before as never) }
