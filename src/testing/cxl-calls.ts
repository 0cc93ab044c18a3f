import type { Kernel } from '../linux/kernel'
import type { Call } from '../machine'
import { regionOf } from '../scenarios/cxl-machine'
import type { CxlKernel } from './cxl-kernel'
import { calls } from './explored'

const start = (k: CxlKernel): number => k.kernel.vmas.at(1).vm_start

/** A process reads its page on the card. */
export const loads = (k: CxlKernel): Call<Kernel> => calls('userLoad', { vpn: start(k), value: 0 })
export const pins = (k: CxlKernel, longterm: 0 | 1): Call<Kernel> =>
  calls('pin_user_pages_fast', { start: start(k), pages: 1, write: 1, longterm, force: 0 })

export const offline = (block: number): Call<Kernel> =>
  calls('state_store', { block, state: 'offline' })
/** The driver of the DAX device goes. */
export const unbinds = calls('dax_bus_remove', { dax: 1 })

const onRegion = (operation: string, more: Readonly<Record<string, number>> = {}): Call<Kernel> =>
  calls(operation, (k) => ({ region: regionOf(k), ...more }))
export const disables = onRegion('cxlDisableRegion', { force: 0 })
export const resets = onRegion('commit_store', { commit: 0 })
export const deletes = onRegion('delete_region')
/** Both cards, interleaved, as a DAX device. */
export const creates: readonly Call<Kernel>[] = [
  calls('create_region', { root: 1, ways: 2, granularity: 4096, size: 0x20000000 }),
  onRegion('cxl_region_attach', { memdev: 1, pos: 0 }),
  onRegion('cxl_region_attach', { memdev: 2, pos: 1 }),
  onRegion('commit_store', { commit: 1 }),
  onRegion('cxl_region_probe', { devdax: 1 }),
]

/** The link of the first card goes down. */
export const pulls = calls('pullCable', { memdev: 1 })
