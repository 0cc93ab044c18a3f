export { Arena, type Mark } from './arena'
export {
  type Change,
  changesSince,
  diff,
  type Reading,
  readingNow,
  showValue,
  type Where,
} from './changes'
export { beginsAsZeros } from './codec'
export { type Difference, differences } from './differences'
export { dump, type Entry, entries, entriesOf, entryText, fieldText, keysText } from './dump'
export {
  affine,
  bits,
  choice,
  type Field,
  type FlagSet,
  flags,
  flagsSet,
  flagsValue,
  int,
  NONE,
  type Ref,
  ref,
  text,
  wide,
} from './fields'
export {
  type Heap,
  hashFromScratch,
  layOut,
  pack,
  restore,
  type TableSpec,
} from './heap'
export { type Part, Parts } from './parts'
export type { Cell, RunView } from './range-table'
export {
  type Fields,
  type Place,
  type Schema,
  type Struct,
  struct,
  type Values,
  type View,
} from './struct'
export { overlay, Table } from './table'
