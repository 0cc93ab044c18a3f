import { EINVAL } from '../../include/errno'

/** Where a host physical address lands: which target of the set, and how far into its capacity. */
export interface Place {
  readonly pos: number
  /** Bytes from the start of the target’s share, dpaBase. */
  readonly offset: number
}

/** An HDM decoder’s registers, as far as arithmetic goes. */
export interface Interleave {
  readonly hpa_base: number
  readonly size: number
  readonly ways: number
  readonly granularity: number
}

const MIN_GRANULARITY = 256
const MAX_GRANULARITY = 16_384

/** granularity_to_eig(): 256 << eig, eig 0 to 6; -EINVAL for what has no encoding (cxl/cxl.h). */
export function granularity_to_eig(granularity: number): number {
  const eig = Math.log2(granularity / MIN_GRANULARITY)
  const fits = granularity >= MIN_GRANULARITY && granularity <= MAX_GRANULARITY
  return fits && Number.isInteger(eig) ? eig : -EINVAL
}

export const eig_to_granularity = (eig: number): number =>
  Number.isInteger(eig) && eig >= 0 && eig <= 6 ? MIN_GRANULARITY << eig : -EINVAL

/** The ways that have an encoding, at most 16 targets: eiw 0 to 4 are powers of two, 8 to 10 thrice those. */
const WAYS: readonly (readonly [eiw: number, ways: number])[] = [
  [0, 1],
  [1, 2],
  [2, 4],
  [3, 8],
  [4, 16],
  [8, 3],
  [9, 6],
  [10, 12],
]

/** ways_to_eiw(): -EINVAL for what has no encoding. */
export const ways_to_eiw = (ways: number): number =>
  WAYS.find(([, each]) => each === ways)?.[0] ?? -EINVAL

export const eiw_to_ways = (eiw: number): number =>
  WAYS.find(([each]) => each === eiw)?.[1] ?? -EINVAL

/**
 * Modulo decode: chunk = (hpa − base) / granularity; position = chunk mod ways. For 3, 6 and 12 ways
 * the upper bits are divided by 3 instead of shifted, which is the same sum.
 */
export function decodeHpa({ hpa_base, ways, granularity }: Interleave, hpa: number): Place {
  const within = hpa - hpa_base
  const chunk = Math.floor(within / granularity)
  return {
    pos: chunk % ways,
    offset: Math.floor(chunk / ways) * granularity + (within % granularity),
  }
}

/**
 * cxl_dpa_to_hpa(): the way back, by shifts and the factor 3 of the encodings, as the kernel has it.
 * Divisions stand for the shifts: addresses have 52 bits.
 */
export function dpaToHpa(
  { hpa_base, ways, granularity }: Interleave,
  { pos, offset }: Place,
): number {
  const eiw = ways_to_eiw(ways)
  const upper = Math.floor(offset / granularity)
  const chunk = eiw < 8 ? upper * 2 ** eiw + pos : upper * 3 * 2 ** (eiw - 8) + pos
  return hpa_base + chunk * granularity + (offset % granularity)
}

/** True of an address that the decoder claims. */
export const claims = ({ hpa_base, size }: Interleave, hpa: number): boolean =>
  hpa_base <= hpa && hpa < hpa_base + size
