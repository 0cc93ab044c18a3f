import type { Source } from './source'

/** What breaks a property, or shows it: an object, and a sentence about it with its numbers. */
export interface Finding {
  readonly table: string
  readonly id: number
  readonly key?: number
  readonly says: string
}

interface Property {
  readonly name: string
  /** The property as one sentence, as the page prints it. */
  readonly claim: string
  readonly sources: readonly Source[]
}

/** A stretch in which a property may be broken: the kernel breaks it there, and mends it before it ends. */
export interface Window<K> {
  /** When that is, behind the words “may be broken”. */
  readonly says: string
  readonly isOpen: (k: K) => boolean
}

/** Must hold at every moment, but inside its windows. */
export interface Always<K> extends Property {
  readonly kind: 'always'
  readonly windows: readonly Window<K>[]
  /** The first object that breaks it, or nothing. */
  broken(k: K): Finding | undefined
}

/** Must be reachable: shows that the model can get to the interesting moment at all. */
export interface Sometimes<K> extends Property {
  readonly kind: 'sometimes'
  shown(k: K): Finding | undefined
}

export type Invariant<K> = Always<K> | Sometimes<K>

/** Gives the `always` and `sometimes` functions of one kind of kernel. */
export const invariantsOf = <K>() => ({
  always: ({
    windows = [],
    broken,
    ...declared
  }: Omit<Always<K>, 'kind' | 'windows'> & Partial<Pick<Always<K>, 'windows'>>): Always<K> => ({
    kind: 'always',
    windows,
    ...declared,
    broken: (k) => (windows.some(({ isOpen }) => isOpen(k)) ? undefined : broken(k)),
  }),
  sometimes: (declared: Omit<Sometimes<K>, 'kind'>): Sometimes<K> => ({
    kind: 'sometimes',
    ...declared,
  }),
})
