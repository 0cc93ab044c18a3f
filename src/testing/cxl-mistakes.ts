import { cxlDisableRegion } from '../linux/drivers/cxl/disable'
import { dev_dax_kmem_remove } from '../linux/drivers/dax/kmem'
import type { Kernel } from '../linux/kernel'
import { removeResource } from '../linux/kernel/resource-tree'
import { userLoad } from '../linux/mm/user-access'
import type { Mistake } from './mutate'

/** As if remove_memory() had succeeded: both nodes leave the iomem tree. */
function releaseAnyway(k: Kernel): void {
  for (const name of ['System RAM (kmem)', 'dax0.0']) {
    const node = k.resources.find((each) => each.name === name)
    if (node !== undefined) removeResource(k, node)
  }
  k.devDaxes.at(1).driver = 'none'
}

/** Mistakes in CXL and in the driver of its memory. */
export const cxlMistakes = {
  unbindsOnline: {
    mistake: 'disable-region unbinds without a look at the memory blocks',
    operation: cxlDisableRegion,
    step: 'offline',
    mutant: () => 'unbind',
  },
  releasesAnyway: {
    mistake: 'kmem releases its claim although the memory is still online',
    operation: dev_dax_kmem_remove,
    step: 'release',
    mutant(k, t) {
      releaseAnyway(k)
      return t.done(0)
    },
  },
  losesMachineCheck: {
    mistake: 'the machine check of a load is lost',
    operation: userLoad,
    step: 'translate',
    mutant(k, t, original) {
      const next = original(k, t)
      if (next !== 'machine_check') return next
      k.fabricLoads.make({ task: t.task.id, answer: 'all_ones', pfn: t.bad })
      t.task.value = 0xff
      return t.done()
    },
  },
} satisfies Readonly<Record<string, Mistake>>
