import { DAX_KINDS } from './daxctl'
import { type Device, namedBy, readDevices, type Tool } from './text/devices'
import { readPastedJson } from './text/pasted-json'
import type { Result } from './text/result'
import { address, int, listOf, Shape, size, text, yesNo } from './text/shape'

const dport = { dport: text, alias: text, id: address }
const target = { target: text, alias: text, position: int, id: address }
const mapping = { position: int, memdev: text, decoder: text }

/** Objects of `cxl list` (ndctl: cxl/json.c). A decoder and a mapping also name other objects. */
const CXL_KINDS = {
  bus: { name: namedBy('bus'), facts: { provider: text, nr_dports: int, dports: listOf(dport) } },
  endpoint: {
    name: namedBy('endpoint'),
    facts: { host: text, parent_dport: text, depth: int, decoders_committed: int, state: text },
  },
  port: {
    name: namedBy('port'),
    facts: {
      host: text,
      parent_dport: text,
      depth: int,
      decoders_committed: int,
      nr_dports: int,
      dports: listOf(dport),
      state: text,
    },
  },
  decoder: {
    name: namedBy('decoder'),
    facts: {
      resource: address,
      size,
      interleave_ways: int,
      interleave_granularity: int,
      region: text,
      dpa_resource: address,
      dpa_size: size,
      mode: text,
      state: text,
      pmem_capable: yesNo,
      volatile_capable: yesNo,
      accelmem_capable: yesNo,
      locked: yesNo,
      nr_targets: int,
      targets: listOf(target),
    },
  },
  memdev: {
    name: namedBy('memdev'),
    facts: {
      pmem_size: size,
      ram_size: size,
      serial: address,
      numa_node: int,
      host: text,
      firmware_version: text,
      state: text,
    },
  },
  region: {
    name: namedBy('region'),
    facts: {
      resource: address,
      size,
      type: text,
      interleave_ways: int,
      interleave_granularity: int,
      decode_state: text,
      state: text,
      mappings: listOf(mapping),
    },
  },
  ...DAX_KINDS,
} as const

/** A bus, port, endpoint, decoder, memdev or region of a CXL machine, with what is below it. */
export type CxlNode = Device<typeof CXL_KINDS>

const TOOL: Tool<typeof CXL_KINDS> = {
  command: 'cxl list',
  kinds: CXL_KINDS,
  groups: new Set(
    'buses ports endpoints decoders memdevs memdev regions daxregion devices'.split(' '),
  ),
}

/**
 * Reads what `cxl list` printed (best with -vv), with or without -u, as a forest of devices.
 * Leaves out health, partition, alert and media-error keys of -vvv.
 */
export function readCxl(given: string): Result<CxlNode[]> {
  const json = readPastedJson(given)
  if (!json.ok) return json
  const shape = new Shape()
  const nodes = readDevices(shape, TOOL, json.value)
  if (nodes.length === 0) shape.warn('The list has no CXL device: run `cxl list -vv` as root.')
  return shape.result(nodes)
}
