import { isPresent } from '../../linux/arch/x86/pgtable'
import type { Kernel } from '../../linux/kernel'
import { processName } from '../scene/names'

/** Whether a GUP user and the process that it acts for still mean the same page. */
export type Coherence =
  | { readonly kind: 'same'; readonly process: string }
  | {
      readonly kind: 'other'
      readonly process: string
      /** What the process maps there now. */
      readonly mapped: number
    }
  | { readonly kind: 'none'; readonly process: string; readonly why: string }

type Handle = ReturnType<Kernel['pinHandles']['at']>

/** Looks at every page of the handle until one differs. */
export function coherenceOf(k: Kernel, { id, mm, start }: Handle): Coherence {
  const process = processName(k, mm)
  if (mm === 0 || !k.mms.isLive(mm)) return { kind: 'none', process, why: 'the process is gone' }
  const ptes = k.ptes.in(mm)
  for (const run of k.pinned.in(id).runs())
    for (let at = run.start; at < run.end; at++) {
      const held = run.pfn + at - run.start
      const vpn = start + at
      if (run.detached !== 0) return { kind: 'none', process, why: `${process} unmapped it` }
      if (!ptes.has(vpn)) return { kind: 'none', process, why: `${process} maps nothing there` }
      const { kind, flags, pfn } = ptes.at(vpn)
      if (!isPresent({ kind, flags }))
        return { kind: 'none', process, why: `a ${kind.split('_')[0]} entry is there` }
      if (pfn !== held) return { kind: 'other', process, mapped: pfn }
    }
  return { kind: 'same', process }
}
