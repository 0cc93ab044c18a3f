import { int, ref } from '../../../arena'
import { EBUSY } from '../../include/errno'
import { MEMORY_BLOCK_SIZE } from '../../include/memory'
import type { Kernel } from '../../kernel'
import { operation } from '../../operation'
import { state_store } from '../base/memory'
import { device_release_region } from './region'
import { endWhenGone } from './users'

/** The last block of a region that is online: the tool goes from the top down. */
function lastOnline(k: Kernel, region: number): number | undefined {
  const { start, size } = k.cxlRegions.at(region)
  const first = start / MEMORY_BLOCK_SIZE
  const run = k.memoryBlocks
    .runs(first, first + size / MEMORY_BLOCK_SIZE)
    .findLast(({ state }) => state !== 'offline')
  return run === undefined ? undefined : run.end - 1
}

/** §6.3 of the DAX sheet, U1 and U2, managed: what `cxl disable-region` does. */
export const cxlDisableRegion = operation({
  name: 'cxlDisableRegion',
  does: 'cxl disable-region: offlines every memory block, and unbinds the region driver if all went.',
  source: { file: 'ndctl/cxl/region.c', fn: 'disable_region', version: 'v78', evidence: 'memory' },
  leftOut: 'Its own check that no memory is online before it begins.',
  start: {
    label: 'cxl disable-region',
    on: ['cxl_region'],
    by: 'admin',
    args: (k, { id }) => ({ region: k.cxlRegions.at(id).id, force: 0 }),
    refuse: (k, { region }) =>
      k.cxlRegions.isLive(region) ? undefined : 'There is no such region.',
  },
  params: { region: ref('cxl_region'), force: int() },
  entry: 'offline',
  steps: {
    offline: {
      does: 'Offline the next memory block through sysfs, from the top down.',
      fn: 'daxctl_memory_offline',
      run(k, t) {
        const block = lastOnline(k, t.region)
        if (block === undefined) return 'unbind'
        return t.call(state_store, { block, state: 'offline' }, 'after')
      },
    },
    after: {
      does: 'It failed: stop here, unless -f was given, which leaks the address space until reboot.',
      fn: 'disable_region',
      run(_k, t) {
        if (t.ret === 0) return 'offline'
        return t.force === 1 ? 'unbind' : t.done(-EBUSY)
      },
    },
    unbind: {
      does: 'Unbind the region driver.',
      fn: 'cxl_region_disable',
      run: (_k, t) => t.call(device_release_region, { region: t.region }, 'done'),
    },
    done: { does: 'The region is disabled.', fn: 'disable_region', run: (_k, t) => t.done(0) },
  },
})

endWhenGone('region', [cxlDisableRegion])
