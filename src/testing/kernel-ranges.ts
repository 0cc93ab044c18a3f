import { presets } from '../linux/presets'

export const everyPreset: readonly string[] = presets.map(({ name }) => name)

/** Kernel versions, oldest first, without proposals. */
export const kernels = everyPreset.filter((name) => name.startsWith('v'))

/** All presets but these. */
export const allBut = (...names: readonly string[]): readonly string[] =>
  everyPreset.filter((name) => !names.includes(name))

/**
 * The kernel versions from one to another, both included; from the oldest, or to the newest, where
 * none is named. Fails where there is no such kernel.
 */
export const released = (from: string, to = ''): readonly string[] =>
  kernels.slice(place(from, 0), place(to, kernels.length - 1) + 1)

function place(kernel: string, none: number): number {
  const found = kernel === '' ? none : kernels.indexOf(kernel)
  if (found === -1) throw new Error(`there is no kernel ${kernel}`)
  return found
}

/** A number for each kernel of a range: `v5.8`, `v5.9–v5.16`, `–v5.8` or `v5.19–`. */
export type ByKernel = Readonly<Record<string, number>>

/** The number of each kernel that the ranges name. */
export const spread = (numbers: ByKernel): ReadonlyMap<string, number> =>
  new Map(
    Object.entries(numbers).flatMap(([range, number]) => {
      const [from = '', to = from] = range.split('–')
      return released(from, to).map((kernel): [string, number] => [kernel, number])
    }),
  )
