import { describe } from 'vitest'
import { seedPageAt, seedRegion } from '../../scenarios/cxl-machine'
import { bootCxl, type CxlKernel } from '../../testing/cxl-kernel'
import type { Mutation } from '../../testing/mutate'
import { eachHasAMistake } from '../../testing/mutation-tests'
import { state_store } from '../drivers/base/memory'
import { cxlDisableRegion } from '../drivers/cxl/disable'
import { pciehp_unconfigure_device, pullCable } from '../drivers/cxl/hotplug'
import { commit_store, cxl_region_probe, delete_region } from '../drivers/cxl/region'
import { dev_dax_kmem_remove } from '../drivers/dax/kmem'
import type { Kernel } from '../kernel'
import { removeResource } from '../kernel/resource-tree'
import { pin_user_pages_fast } from '../mm/gup'
import { __gup_longterm_locked } from '../mm/gup-slow'
import { userLoad } from '../mm/user-access'
import { claimsNeverOverlap } from './claims-never-overlap'
import { cxlInvariants } from './families/cxl'
import { noLoadFromNowhere } from './no-load-from-nowhere'
import { offlineReturns } from './offline-returns'
import { onlineMeansDecoded } from './online-means-decoded'

const PFN = 0x480500
const shell = (k: CxlKernel) => k.task('root shell')
const boot = (policies: Readonly<Record<string, string>> = {}) => {
  const k = bootCxl({ policies })
  seedPageAt(k.kernel, 'A', { pfn: PFN, value: 0x53 })
  return k
}

/** As if remove_memory() had succeeded: both nodes leave the iomem tree. */
function releaseAnyway(k: Kernel): void {
  for (const name of ['System RAM (kmem)', 'dax0.0']) {
    const node = k.resources.find((each) => each.name === name)
    if (node !== undefined) removeResource(k, node)
  }
  k.devDaxes.at(1).driver = 'none'
}

const mistakes: readonly Mutation<CxlKernel>[] = [
  {
    breaks: noLoadFromNowhere,
    mistake: 'the machine check of a load is lost',
    operation: userLoad,
    step: 'translate',
    mutant(k, t, original) {
      const next = original(k, t)
      if (next !== 'machine_check') return next
      k.fabricLoads.make({ task: t.task.id, answer: 'all_ones', pfn: PFN })
      t.task.value = 0xff
      return t.done()
    },
    boot: () => boot({ linkDown: 'machineCheck' }),
    schedule(k) {
      k.task('pciehp').begins(pullCable, { memdev: 1 }).finishes()
      k.loads('A', userLoad)
    },
    says: 'A read all-ones from a link that is down at page 0x480500, and goes on',
  },
  {
    breaks: onlineMeansDecoded,
    mistake: 'disable-region unbinds without a look at the memory blocks',
    operation: cxlDisableRegion,
    step: 'offline',
    mutant: () => 'unbind',
    schedule(k) {
      shell(k).begins(cxlDisableRegion, { region: 1, force: 0 }).finishes()
      shell(k).begins(commit_store, { region: 1, commit: 0 }).finishes()
    },
    says: 'memory144 is online, and a decoder on the way to mem0 is reset',
  },
  {
    breaks: claimsNeverOverlap,
    mistake: 'kmem releases its claim although the memory is still online',
    operation: dev_dax_kmem_remove,
    step: 'release',
    mutant(k, t) {
      releaseAnyway(k)
      return t.done(0)
    },
    schedule(k) {
      k.task('pciehp').begins(pciehp_unconfigure_device, { memdev: 1 }).finishes()
      shell(k).begins(delete_region, { region: 1 }).finishes()
      const memdev = k.kernel.cxlMemdevs.at(1)
      const port = k.kernel.cxlPorts.find((each) => each.memdev === 1)
      memdev.endpoint = port?.id ?? 0
      memdev.link = 'up'
      for (const decoder of k.kernel.cxlDecoders.rows())
        if (decoder.mode === 'dead') decoder.mode = 'none'
      const region = seedRegion(k.kernel, 'root shell')
      shell(k).begins(cxl_region_probe, { region, devdax: 1 }).finishes()
    },
    says: 'memory144 of an earlier device is still there, in the range of dax1.0',
  },
  {
    breaks: offlineReturns,
    mistake: 'a long-term pin does not leave ZONE_MOVABLE first',
    operation: __gup_longterm_locked,
    step: 'collect',
    mutant: (_k, t) => t.done(t.ret),
    schedule(k) {
      const start = k.kernel.vmas.at(1).vm_start
      const pin = { start, pages: 1, write: 1, longterm: 1, force: 0 }
      k.task('A').begins(pin_user_pages_fast, pin).finishes()
      shell(k).begins(state_store, { block: 144, state: 'offline' }).runs()
    },
    says: 'root shell tries to move page 0x480500, which is pinned for long',
  },
]

describe('every property of CXL memory', () => {
  eachHasAMistake(cxlInvariants.slice(0, 4), mistakes, boot)
})
