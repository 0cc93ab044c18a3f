import { int, ref } from '../../../arena'
import { operation } from '../../operation'
import {
  commitOrder,
  cxl_decoder_commit,
  cxl_decoder_reset,
  decodeBegins,
  decodeEnds,
  resetOrder,
} from './region-decode'
import { targetsOf } from './topology'
import { decodersIdle, endWhenGone } from './users'

/** §6.2 of the DAX sheet: decoders go live bottom up; a device of one target after the other. */
export const cxl_region_decode_commit = operation({
  name: 'cxl_region_decode_commit',
  does: 'Programs every decoder between host bridge and devices, so that the region decodes.',
  source: { file: 'drivers/cxl/core/region.c', fn: 'cxl_region_decode_commit', version: '6.12' },
  leftOut: 'The time that the hardware takes to report COMMITTED.',
  params: { region: ref('cxl_region') },
  locals: { at: int(), result: int() },
  entry: 'invalidate',
  steps: {
    invalidate: {
      does: 'Invalidate CPU caches: nothing of what was at these addresses may be left in them.',
      fn: 'cxl_region_invalidate_memregion',
      when: decodersIdle,
      run: () => 'commit',
    },
    commit: {
      does: 'Commit the next decoder, from the endpoint up to the host bridge, in the order of their numbers.',
      fn: 'cxl_decoder_commit',
      run(k, t) {
        const region = k.cxlRegions.at(t.region)
        const next = commitOrder(k, region, targetsOf(k, region.id))[t.at]
        if (next === undefined) return 'done'
        t.result = cxl_decoder_commit(k, next, region)
        t.at += 1
        return t.result < 0 ? 'teardown' : 'commit'
      },
    },
    teardown: {
      does: 'One could not be programmed: reset what was committed so far.',
      fn: 'cxl_region_decode_reset',
      run(k, t) {
        const region = k.cxlRegions.at(t.region)
        const done = new Set(
          commitOrder(k, region, targetsOf(k, region.id))
            .slice(0, t.at - 1)
            .map(({ id }) => id),
        )
        for (const each of resetOrder(k, region, targetsOf(k, region.id)))
          if (done.has(each.id)) cxl_decoder_reset(k, each)
        return t.done(t.result)
      },
    },
    done: {
      does: 'All are committed: the region decodes.',
      run(k, t) {
        decodeBegins(k, k.cxlRegions.at(t.region))
        return t.done(0)
      },
    },
  },
})

/** §6.2 of the DAX sheet: from the host bridge down, one decoder a step. */
export const cxl_region_decode_reset = operation({
  name: 'cxl_region_decode_reset',
  does: 'Resets every decoder of a region, the host bridge first.',
  source: { file: 'drivers/cxl/core/region.c', fn: 'cxl_region_decode_reset', version: '6.12' },
  leftOut: 'Flushing the reset to the device by a read.',
  params: { region: ref('cxl_region') },
  entry: 'invalidate',
  steps: {
    invalidate: {
      does: 'Invalidate CPU caches.',
      fn: 'cxl_region_invalidate_memregion',
      when: decodersIdle,
      run: () => 'reset',
    },
    reset: {
      does: 'Reset the next decoder, from the host bridge to the endpoint: base and size become 0.',
      fn: 'cxl_decoder_reset',
      run(k, t) {
        const region = k.cxlRegions.at(t.region)
        const order = resetOrder(k, region, targetsOf(k, region.id))
        const next = order.find(({ enabled }) => enabled === 1)
        if (next === undefined) return t.done(0)
        if (order.every(({ enabled }) => enabled === 1)) decodeEnds(k, region)
        cxl_decoder_reset(k, next)
        return 'reset'
      },
    },
  },
})

endWhenGone('region', [cxl_region_decode_commit, cxl_region_decode_reset])
