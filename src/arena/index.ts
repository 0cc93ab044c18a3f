export { Arena, type Mark } from './arena'
export { type Change, changesSince, diff, type Reading, readingAt, readingNow, showValue, type Where } from './changes'
export { dump } from './dump'
export {
  affine,
  bits,
  choice,
  type Field,
  flagNames,
  flagPosition,
  flags,
  type FlagSet,
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
  hashFromScratch,
  type Heap,
  layOut,
  pack,
  packedWords,
  packInto,
  restore,
  restoreHashed,
  type TableSpec,
} from './heap'
export { type Cell, RangeTable, type RunView, SPACE_KEYS } from './range-table'
export { type Fields, type Schema, type Struct, struct, type Values, type View } from './struct'
export { overlay, Table } from './table'
