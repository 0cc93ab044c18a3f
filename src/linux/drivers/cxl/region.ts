import { int, ref } from '../../../arena'
import { EBUSY, ENXIO } from '../../include/errno'
import { IORESOURCE } from '../../include/ioport'
import type { Kernel } from '../../kernel'
import { childrenOf, removeResource } from '../../kernel/resource-tree'
import { operation } from '../../operation'
import { dev_dax_probe, unregister_dev_dax } from '../dax/bus'
import { cxl_region_decode_commit, cxl_region_decode_reset } from './region-program'
import { decodersIdle, endWhenGone, regionUnlocked, untilUnused } from './users'

const regionStart = (label: string, commit: number) => ({
  label,
  on: ['cxl_region'],
  by: 'admin' as const,
  args: (k: Kernel, { id }: { id: number }) => ({ region: k.cxlRegions.at(id).id, commit }),
  refuse(k: Kernel, { region }: { region: number }) {
    return k.cxlRegions.isLive(region) ? undefined : 'There is no such region.'
  },
})

/** §6.2 of the DAX sheet: a write to the file `commit` of a region. 0 unbinds the driver first. */
export const commit_store = operation({
  name: 'commit_store',
  does: 'Commits a region, or with 0 takes it back: the driver first, the decoders after it.',
  source: { file: 'drivers/cxl/core/region.c', fn: 'commit_store', version: '6.12' },
  leftOut: 'Regions that firmware locked.',
  start: {
    ...regionStart('Commit the region, or reset it', 1),
    args(k, { id }) {
      const { state } = k.cxlRegions.at(id)
      return { region: k.cxlRegions.at(id).id, commit: state === 'COMMIT' ? 0 : 1 }
    },
  },
  params: { region: ref('cxl_region'), commit: int() },
  entry: 'look',
  steps: {
    look: {
      does: 'In which state is the region? A commit needs all targets; without a commit there is nothing to reset.',
      run(k, t) {
        const region = k.cxlRegions.at(t.region)
        const { id, state } = region
        if ((state === 'COMMIT') === (t.commit === 1)) return t.done(0)
        if (state === 'IDLE' || state === 'INTERLEAVE_ACTIVE') return t.done(-ENXIO)
        if (t.commit === 1) return t.call(cxl_region_decode_commit, { region: id }, 'committed')
        region.state = 'RESET_PENDING'
        return t.call(device_release_region, { region: id }, 'reset')
      },
    },
    committed: {
      does: 'State COMMIT, if every decoder took it.',
      run(k, t) {
        if (t.ret < 0) return t.done(t.ret)
        k.cxlRegions.at(t.region).state = 'COMMIT'
        return t.done(0)
      },
    },
    reset: {
      does: 'No driver uses the region any more. Is the reset still wanted? Then the decoders go.',
      run(k, t) {
        const { id, state } = k.cxlRegions.at(t.region)
        return state === 'RESET_PENDING'
          ? t.call(cxl_region_decode_reset, { region: id }, 'active')
          : t.done(-EBUSY)
      },
    },
    active: {
      does: 'State ACTIVE: targets are attached, nothing decodes.',
      run(k, t) {
        k.cxlRegions.at(t.region).state = 'ACTIVE'
        return t.done(0)
      },
    },
  },
})

/** §6.2 of the DAX sheet: the region driver makes a DAX device of a committed region. */
export const cxl_region_probe = operation({
  name: 'cxl_region_probe',
  does: 'Binds the region driver: a dax_region, a DAX device, and its driver.',
  source: { file: 'drivers/cxl/core/region.c', fn: 'cxl_region_probe', version: '6.12' },
  leftOut: 'pmem regions, which become an nvdimm region; performance notifiers.',
  start: {
    ...regionStart('Bind the region driver', 0),
    args: (k, { id }) => ({ region: k.cxlRegions.at(id).id, devdax: 0 }),
    refuse(k, { region }) {
      if (!k.cxlRegions.isLive(region)) return 'There is no such region.'
      const { driver, state } = k.cxlRegions.at(region)
      if (driver !== 'none') return 'The driver is bound already.'
      return state === 'COMMIT' ? undefined : 'The region is not committed.'
    },
  },
  params: { region: ref('cxl_region'), devdax: int() },
  entry: 'check',
  steps: {
    check: {
      does: 'The region must be committed, and not waiting for a teardown; what is System RAM already is left alone.',
      when: regionUnlocked,
      run(k, t) {
        const region = k.cxlRegions.at(t.region)
        if (region.driver !== 'none') return t.done(-EBUSY)
        if (region.state !== 'COMMIT' || region.needs_reset === 1) return t.done(-ENXIO)
        region.driver = 'cxl_region'
        const below = childrenOf(k, k.resources.at(region.resource))
        if (below.some(({ flags }) => (flags & IORESOURCE.sysram) !== 0)) return t.done(0)
        return 'add_dax_region'
      },
    },
    add_dax_region: {
      does: 'Make a dax_region and its one device, and bind kmem to it, or device_dax.',
      fn: 'devm_cxl_add_dax_region',
      run(k, t) {
        const region = k.cxlRegions.at(t.region)
        const dax = k.devDaxes.alloc({
          name: `dax${region.name.slice(6)}.0`,
          region: region.id,
          start: region.start,
          end: region.start + region.size - 1,
          align: 2 << 20,
          target_node: 1,
        })
        if (dax === undefined) {
          region.driver = 'none'
          return t.done(-ENXIO)
        }
        region.dax = dax.id
        return t.call(dev_dax_probe, { dax: dax.id, devdax: t.devdax }, 'done')
      },
    },
    done: { does: 'The region driver is bound.', run: (_k, t) => t.done(t.ret) },
  },
})

/** The unbind of the region driver: its consumers go with it (§6.3, U2). */
export const device_release_region = operation({
  name: 'device_release_region',
  does: 'Unbinds the region driver. Its DAX device goes with it, and cannot say no.',
  source: { file: 'drivers/base/dd.c', fn: 'device_release_driver', version: '6.12' },
  leftOut: 'device_lock of the region.',
  start: {
    ...regionStart('Unbind the region driver', 0),
    args: (k, { id }) => ({ region: k.cxlRegions.at(id).id }),
  },
  params: { region: ref('cxl_region') },
  entry: 'unregister',
  steps: {
    unregister: {
      does: 'devres: the dax_region is unregistered, and the device below it.',
      fn: 'cxlr_dax_unregister',
      when: regionUnlocked,
      run(k, t) {
        const { dax, driver } = k.cxlRegions.at(t.region)
        if (driver === 'none' || dax === 0) return 'unbound'
        return t.call(unregister_dev_dax, { dax }, 'unbound')
      },
    },
    unbound: {
      does: 'No driver is bound to the region.',
      fn: 'device_unbind_cleanup',
      run(k, t) {
        const region = k.cxlRegions.at(t.region)
        region.driver = 'none'
        region.dax = 0
        return t.done(0)
      },
    },
  },
})

/** §6.3 of the DAX sheet, U4: the region and its claim in the iomem tree. */
export const delete_region = operation({
  name: 'delete_region',
  does: 'Deletes a region: targets detached, capacity freed, addresses free for the next one.',
  source: { file: 'drivers/cxl/core/region.c', fn: 'delete_region_store', version: '6.12' },
  leftOut: 'Releasing memory that the region held on to for its NUMA node.',
  start: {
    ...regionStart('Delete the region', 0),
    args: (k, { id }) => ({ region: k.cxlRegions.at(id).id }),
    refuse(k, { region }) {
      if (!k.cxlRegions.isLive(region)) return 'There is no such region.'
      return k.cxlRegions.at(region).driver === 'none'
        ? undefined
        : 'The region driver is bound: disable the region first.'
    },
  },
  params: { region: ref('cxl_region') },
  entry: 'unbind',
  steps: {
    unbind: {
      does: 'Delete the device; a driver that is still bound goes first.',
      fn: 'unregister_region',
      when: untilUnused('region', ['delete_region']),
      run: (_k, t) => t.call(device_release_region, { region: t.region }, 'reset'),
    },
    reset: {
      does: 'A region that still decodes is reset first.',
      fn: 'cxl_region_detach',
      run(k, t) {
        const { state } = k.cxlRegions.at(t.region)
        return state === 'COMMIT'
          ? t.call(cxl_region_decode_reset, { region: t.region }, 'detach')
          : 'detach'
      },
    },
    detach: {
      does: 'Detach the targets, and give their capacity back.',
      fn: 'cxl_dpa_free',
      when: decodersIdle,
      run(k, t) {
        for (const decoder of k.cxlDecoders.rows()) {
          if (decoder.region !== t.region) continue
          Object.assign(decoder, { region: 0, pos: -1, mode: 'none', dpa_base: 0, dpa_size: 0 })
        }
        return 'release'
      },
    },
    release: {
      does: 'Take the node out of the iomem tree; what is left below it moves up.',
      fn: 'cxl_region_iomem_release',
      when: untilUnused('region'),
      run(k, t) {
        const { resource } = k.cxlRegions.at(t.region)
        if (resource !== 0) removeResource(k, k.resources.at(resource))
        k.cxlRegions.free(t.region)
        return t.done(0)
      },
    },
  },
})

endWhenGone('region', [commit_store, cxl_region_probe, device_release_region, delete_region])
