import { int, ref, wide } from '../../../arena'
import type { Outcome } from '../../../machine'
import { EBUSY, EINVAL, ENOMEM, ENXIO, ERANGE } from '../../include/errno'
import { IORESOURCE } from '../../include/ioport'
import type { Kernel } from '../../kernel'
import { freeGap, insertResource } from '../../kernel/resource-tree'
import { operation } from '../../operation'
import { granularity_to_eig, ways_to_eiw } from './decode'
import { decoderFor, decodersOf, portsUp, targetsOf } from './topology'
import { endWhenGone } from './users'

/** SZ_256M: the granule of a region, times its ways. */
const GRANULE = 0x10000000

/** The number that the next region of a root decoder gets: memregion_alloc() of the lowest free one. */
function nextNumber(k: Kernel, taken: number): number {
  const used = new Set([taken, ...k.cxlRegions.rows().map(({ name }) => Number(name.slice(6)))])
  let number = 0
  while (used.has(number)) number += 1
  return number
}

/** §6.2 of the DAX sheet, IDLE to INTERLEAVE_ACTIVE: what `cxl create-region` writes, one file a step. */
export const create_region = operation({
  name: 'create_region',
  does: 'Makes a region of volatile memory in a window: ways, granularity, size, and with it an address.',
  source: { file: 'drivers/cxl/core/region.c', fn: 'create_ram_region_store', version: '6.12' },
  leftOut: 'pmem regions and their uuid, autodiscovery, and host bridges that interleave.',
  start: {
    label: 'Create a region',
    on: ['cxl_decoder'],
    by: 'admin',
    args: (k, { id }) => ({
      root: k.cxlDecoders.at(id).id,
      ways: 2,
      granularity: 4096,
      size: 2 * GRANULE,
    }),
    refuse(k, { root }) {
      const isRoot =
        k.cxlDecoders.isLive(root) && k.cxlPorts.at(k.cxlDecoders.at(root).port).kind === 'root'
      return isRoot ? undefined : 'There is no such root decoder.'
    },
  },
  params: { root: ref('cxl_decoder'), ways: int(), granularity: int(), size: wide() },
  locals: { region: ref('cxl_region') },
  entry: 'create',
  steps: {
    create: {
      does: 'A region without size: state IDLE. It gets the number that the root decoder had ready.',
      fn: 'devm_cxl_add_region',
      run(k, t) {
        const root = k.cxlDecoders.at(t.root)
        const name = `region${root.next_region}`
        const region = k.cxlRegions.alloc({ name, root: root.id })
        if (region === undefined) return t.done(-ENOMEM)
        root.next_region = nextNumber(k, root.next_region)
        t.region = region.id
        return 'set_ways'
      },
    },
    set_ways: {
      does: 'Ways need an encoding: 1, 2, 4, 8, 16, 3, 6 or 12.',
      fn: 'interleave_ways_store',
      run(k, t) {
        if (ways_to_eiw(t.ways) < 0) return fail(k, t, -EINVAL)
        k.cxlRegions.at(t.region).ways = t.ways
        return 'set_granularity'
      },
    },
    set_granularity: {
      does: 'Granularity is a power of two from 256 bytes to 16 KiB.',
      fn: 'interleave_granularity_store',
      run(k, t) {
        if (granularity_to_eig(t.granularity) < 0) return fail(k, t, -EINVAL)
        k.cxlRegions.at(t.region).granularity = t.granularity
        return 'alloc_hpa'
      },
    },
    alloc_hpa: {
      does: 'The size is a multiple of 256 MiB times the ways. Take the lowest free gap of the window: INTERLEAVE_ACTIVE.',
      fn: 'alloc_hpa',
      run(k, t) {
        const region = k.cxlRegions.at(t.region)
        if (region.ways === 0 || region.granularity === 0) return fail(k, t, -ENXIO)
        if (t.size <= 0 || t.size % (GRANULE * region.ways) !== 0) return fail(k, t, -EINVAL)
        if (!allocHpa(k, t.region, t.size)) return fail(k, t, -ERANGE)
        region.state = 'INTERLEAVE_ACTIVE'
        return t.done(t.region)
      },
    },
  },
})

/** The tool deletes a region that it could not finish, and reports the error. */
function fail(
  k: Kernel,
  t: { readonly region: number; done(value: number): Outcome },
  error: number,
): Outcome {
  k.cxlRegions.free(t.region)
  return t.done(error)
}

/** alloc_free_mem_region(): a node with the name of the region, in the lowest gap of 256 MiB alignment. */
function allocHpa(k: Kernel, id: number, size: number): boolean {
  const region = k.cxlRegions.at(id)
  const window = k.resources.at(k.cxlDecoders.at(region.root).resource)
  const start = freeGap(k, window, size, GRANULE)
  if (start === undefined) return false
  const flags = IORESOURCE.mem
  const { name } = region
  const node = k.resources.alloc({ name, start, end: start + size - 1, flags, desc: 'NONE' })
  if (node === undefined) return false
  insertResource(k, window, node)
  region.start = start
  region.size = size
  region.resource = node.id
  return true
}

/** §6.2 of the DAX sheet: a target of the interleave set. The last one makes the region ACTIVE. */
export const cxl_region_attach = operation({
  name: 'cxl_region_attach',
  does: 'Makes a memory device the target at one position of a region.',
  source: { file: 'drivers/cxl/core/region.c', fn: 'cxl_region_attach', version: '6.12' },
  leftOut: 'Checks of the order of targets against the topology, and extended linear caches.',
  start: {
    label: 'Attach the device to a region',
    on: ['cxl_memdev'],
    by: 'admin',
    args(k, { id }) {
      const region = k.cxlRegions.find(({ state }) => state === 'INTERLEAVE_ACTIVE')
      const pos = region === undefined ? 0 : freePosition(k, region.id)
      return { region: region?.id ?? 0, memdev: k.cxlMemdevs.at(id).id, pos }
    },
    refuse(k, { region, memdev }) {
      if (!k.cxlRegions.isLive(region)) return 'There is no region that waits for targets.'
      if (!k.cxlMemdevs.isLive(memdev)) return 'There is no such device.'
      return k.cxlMemdevs.at(memdev).endpoint === 0 ? 'The device is disabled.' : undefined
    },
  },
  params: { region: ref('cxl_region'), memdev: ref('cxl_memdev'), pos: int() },
  locals: { decoder: ref('cxl_decoder') },
  entry: 'alloc_dpa',
  steps: {
    alloc_dpa: {
      does: 'Take the next decoder of the endpoint, and capacity of the device for it.',
      fn: 'cxl_dpa_alloc',
      run(k, t) {
        const { endpoint, ram_size } = k.cxlMemdevs.at(t.memdev)
        const { size, ways } = k.cxlRegions.at(t.region)
        const decoder = endpoint === 0 ? undefined : freeDecoder(k, endpoint)
        if (decoder === undefined) return t.done(-EBUSY)
        const taken = decodersOf(k, endpoint).reduce((sum, { dpa_size }) => sum + dpa_size, 0)
        if (taken + size / ways > ram_size) return t.done(-ENXIO)
        Object.assign(decoder, { mode: 'ram', dpa_base: taken, dpa_size: size / ways })
        t.decoder = decoder.id
        return 'attach'
      },
    },
    attach: {
      does: 'Check position and size; every port on the way takes a decoder of its own for the region.',
      fn: 'cxl_port_attach_region',
      run(k, t) {
        const region = k.cxlRegions.at(t.region)
        const decoder = k.cxlDecoders.at(t.decoder)
        const wrong = attachError(k, t.region, t.pos)
        if (wrong !== 0) {
          Object.assign(decoder, { mode: 'none', dpa_base: 0, dpa_size: 0 })
          return t.done(wrong)
        }
        decoder.pos = t.pos
        decoder.region = region.id
        for (const { id } of portsUp(k, t.memdev)) {
          const free = decoderFor(k, id, region.id) ?? freeDecoder(k, id)
          if (free === undefined) return t.done(-EBUSY)
          free.region = region.id
        }
        if (targetsOf(k, region.id).length === region.ways) region.state = 'ACTIVE'
        return t.done(0)
      },
    },
  },
})

function attachError(k: Kernel, id: number, pos: number): number {
  const { state, ways } = k.cxlRegions.at(id)
  if (state === 'COMMIT' || state === 'ACTIVE') return -EBUSY
  if (state !== 'INTERLEAVE_ACTIVE' || pos < 0 || pos >= ways) return -ENXIO
  return targetsOf(k, id).some((target) => target.pos === pos) ? -EBUSY : 0
}

const freeDecoder = (k: Kernel, port: number) =>
  decodersOf(k, port).find(({ region, mode }) => region === 0 && mode !== 'dead')

function freePosition(k: Kernel, region: number): number {
  const used = new Set(targetsOf(k, region).map(({ pos }) => pos))
  let pos = 0
  while (used.has(pos)) pos += 1
  return pos
}

endWhenGone('region', [create_region, cxl_region_attach])
