import { type Device, namedBy, readDevices, type Tool } from './text/devices'
import type { JsonObject, JsonValue } from './text/json-exact'
import { readPastedJson } from './text/pasted-json'
import type { Result } from './text/result'
import { address, type Facts, int, listOf, Shape, size, text, yesNo } from './text/shape'

const DEVICE = {
  size,
  target_node: int,
  align: size,
  mode: text,
  state: text,
  online_memblocks: int,
  total_memblocks: int,
  movable: yesNo,
  mappings: listOf({ page_offset: address, start: address, end: address, size }),
}
const REGION = { id: int, path: text, size, available_size: size, align: size }

/** Objects of `daxctl list`; ndctl and cxl print them too, below "daxregion". */
export const DAX_KINDS = {
  daxdevice: { name: namedBy('chardev', /^dax\d/), facts: DEVICE },
  daxregion: { name: regionName, facts: REGION },
} as const

type DaxNode = Device<typeof DAX_KINDS>

export interface DaxDevice extends Facts<typeof DEVICE> {
  /** "dax0.0": the character device is /dev/dax0.0. */
  readonly chardev: string
}

export interface DaxRegion extends Facts<typeof REGION> {
  readonly devices: readonly DaxDevice[]
}

export interface DaxctlListing {
  readonly regions: readonly DaxRegion[]
  /** All devices, also those of the regions. */
  readonly devices: readonly DaxDevice[]
}

const TOOL: Tool<typeof DAX_KINDS> = {
  command: 'daxctl list',
  kinds: DAX_KINDS,
  groups: new Set(['regions', 'daxregion', 'daxregions', 'devices']),
}

/** Reads what `daxctl list` printed, with or without -R, -D, -M and -u. */
export function readDaxctl(given: string): Result<DaxctlListing> {
  const json = readPastedJson(given)
  if (!json.ok) return json
  const shape = new Shape()
  const listing = daxListing(readDevices(shape, TOOL, json.value))
  if (listing.regions.length + listing.devices.length === 0)
    shape.warn('The list has no DAX device: run `daxctl list -RD` as root.')
  return shape.result(listing)
}

/** Regions and devices among the nodes of a tool. */
export function daxListing(nodes: readonly DaxNode[]): DaxctlListing {
  const regions: DaxRegion[] = []
  const devices: DaxDevice[] = []
  for (const node of nodes) {
    if (node.kind === 'daxdevice') devices.push({ chardev: node.name, ...node.facts })
    if (node.kind !== 'daxregion') continue
    const inside = daxListing(node.children).devices
    regions.push({ ...node.facts, devices: inside })
    for (const device of inside) devices.push(device)
  }
  return { regions, devices }
}

/** A DAX region has a path in sysfs, or at least a number and devices. */
function regionName(object: JsonObject): JsonValue | undefined {
  if (typeof object['path'] === 'string') return object['path']
  const isRegion = object['id'] !== undefined && object['devices'] !== undefined
  return isRegion ? `region${String(object['id'])}` : undefined
}
