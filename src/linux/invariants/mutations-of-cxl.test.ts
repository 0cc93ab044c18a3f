import { describe } from 'vitest'
import { seedRegion } from '../../scenarios/cxl-machine'
import { bootWithPage, type CxlKernel } from '../../testing/cxl-kernel'
import { cxlMistakes } from '../../testing/cxl-mistakes'
import { gupMistakes } from '../../testing/mm-mistakes'
import type { Mutation } from '../../testing/mutate'
import { eachHasAMistake } from '../../testing/mutation-tests'
import { state_store } from '../drivers/base/memory'
import { cxlDisableRegion } from '../drivers/cxl/disable'
import { pciehp_unconfigure_device, pullCable } from '../drivers/cxl/hotplug'
import { commit_store, cxl_region_probe, delete_region } from '../drivers/cxl/region'
import { pin_user_pages_fast } from '../mm/gup'
import { userLoad } from '../mm/user-access'
import { claimsNeverOverlap } from './claims-never-overlap'
import { cxlInvariants } from './families/cxl'
import { noLoadFromNowhere } from './no-load-from-nowhere'
import { offlineReturns } from './offline-returns'
import { onlineMeansDecoded } from './online-means-decoded'

const shell = (k: CxlKernel) => k.task('root shell')

const mistakes: readonly Mutation<CxlKernel>[] = [
  {
    breaks: noLoadFromNowhere,
    ...cxlMistakes.losesMachineCheck,
    boot: () => bootWithPage({ policies: { linkDown: 'machineCheck' } }),
    schedule(k) {
      k.task('pciehp').begins(pullCable, { memdev: 1 }).finishes()
      k.loads('A', userLoad)
    },
    says: 'A read all-ones from a link that is down at page 0x480500, and goes on',
  },
  {
    breaks: onlineMeansDecoded,
    ...cxlMistakes.unbindsOnline,
    schedule(k) {
      shell(k).begins(cxlDisableRegion, { region: 1, force: 0 }).finishes()
      shell(k).begins(commit_store, { region: 1, commit: 0 }).finishes()
    },
    says: 'memory144 is online, and a decoder on the way to mem0 is reset',
  },
  {
    breaks: claimsNeverOverlap,
    ...cxlMistakes.releasesAnyway,
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
    ...gupMistakes.staysMovable,
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
  eachHasAMistake(cxlInvariants.slice(0, 4), mistakes, () => bootWithPage())
})
