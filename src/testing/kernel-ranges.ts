import { presets } from '../linux/presets'

/** Kernel versions, oldest first, without proposals. */
export const kernels = presets.map(({ name }) => name).filter((name) => name.startsWith('v'))

/** A number for each kernel of a range: `v5.8`, `v5.9–v5.16`, `–v5.8` or `v5.19–`. */
export type ByKernel = Readonly<Record<string, number>>

/** The number of each kernel that the ranges name; fails where there is no such kernel. */
export const spread = (numbers: ByKernel): ReadonlyMap<string, number> =>
  new Map(
    Object.entries(numbers).flatMap(([range, number]) => {
      const [from = '', to = from] = range.split('–')
      const named = kernels.slice(place(from, 0), place(to, kernels.length - 1) + 1)
      return named.map((kernel): [string, number] => [kernel, number])
    }),
  )

function place(kernel: string, none: number): number {
  const found = kernel === '' ? none : kernels.indexOf(kernel)
  if (found === -1) throw new Error(`there is no kernel ${kernel}`)
  return found
}
