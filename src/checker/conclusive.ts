import type { AnyKernel, Steppable } from '../machine'
import { circlesOf } from './circles'
import type { Search } from './search'
import { canRest } from './stuck'

/**
 * True if a search that left things out has answered all the same: no property was broken or shown,
 * every thread can always come to the end of its call, and nothing goes round. All else a search
 * without reductions must tell, whose states and moves have their own names and lengths.
 */
export const isConclusive = <K extends AnyKernel & Steppable<K>>(search: Search<K>): boolean =>
  search.isComplete &&
  search.isSound &&
  search.claims.list.every(({ states }) => states.length === 0) &&
  circlesOf(search.graph).length === 0 &&
  canRest(search)
