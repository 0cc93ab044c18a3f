import type { Kernel } from '../kernel'
import { claimedPages } from './memory-pfnmap'

interface Mapping {
  readonly vma: number
  readonly file: number
}

/** The proposal in which a claim also sees an mmap() under way: the area is linked before its checks. */
export function linkBeforeChecks(k: Kernel, { vma, file }: Mapping): void {
  if (k.policy.iomemClaim === 'failDriverCounted')
    k.vmas.at(vma).i_mmap = k.files.at(file).f_mapping
}

/** The checks have let the area pass: did they overlook a claim? */
export function noteChecked(k: Kernel, { vma, file }: Mapping): void {
  k.files.at(file).mapped_claimed = claimedPages(k, k.vmas.at(vma))
}
