/** How sure: read in the source, seen on a real kernel, deduced by reading, or from memory. */
export type Evidence = 'source' | 'recorded' | 'deduced' | 'memory'

/** Where the kernel says so. Identity of a citation is (file, function, version), never a line. */
export interface Source {
  readonly file: string
  readonly fn: string
  /** The kernel version in which this was read, or from which on it holds. */
  readonly version: string
  readonly evidence?: Evidence
  /** What a reader should know besides. */
  readonly note?: string
}

/** `fn(), file (version)`: the form in which every view prints a citation. */
export const citation = ({ fn, file, version }: Source): string => `${fn}(), ${file} (${version})`
