import { choice, int, ref, struct, text, wide } from '../../arena'

/** CXL_CONFIG_* (drivers/cxl/cxl.h), in the order of the state machine. */
const CONFIG = ['IDLE', 'INTERLEAVE_ACTIVE', 'ACTIVE', 'RESET_PENDING', 'COMMIT'] as const

/** struct cxl_port: root0, a host bridge, a switch, or the endpoint of a memory device. */
export const CxlPort = struct('cxl_port', {
  name: text('As in /sys/bus/cxl/devices.'),
  kind: choice(['root', 'host_bridge', 'switch', 'endpoint'], 'Where in the topology it is.'),
  parent: ref('cxl_port', 'The port towards the CPU.'),
  memdev: ref('cxl_memdev', 'The device of an endpoint.'),
  commit_end: int(-1, 'Number of the last decoder that is committed; -1: none.'),
})

/** struct cxl_memdev with its card: a generation, a link, and memory by device address (`cxlMedia`). */
export const CxlMemdev = struct('cxl_memdev', {
  name: text('As in /sys/bus/cxl/devices.'),
  host: text('The PCI function.'),
  serial: int(0, 'Serial number of the card.'),
  gen: int(1, 'Which card is in the slot: counts replacements; not in the kernel.'),
  link: choice(['up', 'down'], 'The CXL link.'),
  driver: choice(['cxl_pci', 'none'], 'The driver that is bound to the PCI function.'),
  disconnected: int(0, 'pciehp has marked it: config reads return all-ones.'),
  ram_size: wide(0, 'Bytes of volatile capacity.'),
  endpoint: ref('cxl_port', 'Its port; NULL while the memdev is not registered.'),
})

/** struct cxl_decoder of any level; what an endpoint decoder has besides lies behind `region`. */
export const CxlDecoder = struct('cxl_decoder', {
  name: text('As in /sys/bus/cxl/devices.'),
  port: ref('cxl_port', 'The port that it belongs to.'),
  number: int(0, 'id: decoders of a port are committed in this order.'),
  hpa_base: wide(0, 'First HPA; 0 after reset.'),
  size: wide(0, 'Bytes of HPA; 0 after reset.'),
  ways: int(1, 'interleave_ways.'),
  granularity: int(0, 'interleave_granularity, bytes.'),
  enabled: int(0, 'CXL_DECODER_F_ENABLE: the kernel has committed it.'),
  committed: int(0, 'COMMITTED of the control register: the hardware decodes.'),
  region: ref('cxl_region', 'The region that uses it.'),
  resource: ref('resource', 'The window of a root decoder in the iomem tree.'),
  next_region: int(0, 'region_id of a root decoder: the number that the next region gets.'),
  mode: choice(['none', 'ram', 'pmem', 'dead'], 'What the capacity of an endpoint decoder is.'),
  dpa_base: wide(0, 'dpa_res: first device address.'),
  dpa_size: wide(0, 'dpa_res: bytes of it.'),
  pos: int(-1, 'Position in the interleave set; -1: none.'),
})

/** One entry of target[] of a switch decoder: which port its position goes to. */
export const CxlTarget = struct('cxl_target', {
  decoder: ref('cxl_decoder', 'The decoder.'),
  position: int(0, 'Place in the list.'),
  port: ref('cxl_port', 'What is behind the downstream port.'),
})

/** struct cxl_region: an interleave set. Its targets are the endpoint decoders that name it. */
export const CxlRegion = struct('cxl_region', {
  name: text('As in /sys/bus/cxl/devices.'),
  root: ref('cxl_decoder', 'The root decoder that it lies in.'),
  state: choice(CONFIG, 'CXL_CONFIG_*: how far it is configured.'),
  ways: int(0, 'interleave_ways.'),
  granularity: int(0, 'interleave_granularity, bytes.'),
  start: wide(0, 'First HPA.'),
  size: wide(0, 'Bytes.'),
  resource: ref('resource', 'Its claim in the iomem tree.'),
  driver: choice(['none', 'cxl_region'], 'The driver that is bound.'),
  needs_reset: int(0, 'CXL_REGION_F_NEEDS_RESET: no probe before a full teardown.'),
  dax: ref('dev_dax', 'The DAX device that was made of it.'),
})

/** struct dev_dax with the dax_region above it, which has the number of the CXL region. */
export const DevDax = struct('dev_dax', {
  name: text('As in /sys/bus/dax/devices.'),
  region: ref('cxl_region', 'The CXL region below.'),
  start: wide(0, 'First byte of its range.'),
  end: wide(0, 'Last byte of its range, inclusive.'),
  align: int(0, 'Bytes.'),
  target_node: int(0, 'The NUMA node that its memory becomes.'),
  driver: choice(['none', 'kmem', 'device_dax'], 'The driver that is bound.'),
  resource: ref('resource', 'The claim of kmem in the iomem tree.'),
  node: ref('nd_namespace', 'What device_dax works on, once it was bound.'),
  alive: int(1, 'DAXDEV_ALIVE: cleared by kill_dev_dax().'),
})

/** What the fabric answered a CPU’s last load, where that was no data. Not in the kernel. */
export const FabricLoad = struct('fabric_load', {
  task: ref('task_struct', 'Whose load.'),
  answer: choice(['all_ones', 'decode_error'], 'Link down: all-ones. No decoder: an error.'),
  pfn: wide(0, 'The page.'),
})

/** A page of device memory, by DPA >> 12; the space is the memdev. No row: zeroes. */
export const CxlMedia = struct('cxl_media', {
  value: int(0, 'Byte 0, standing for the first sector.'),
  rest: int(0, 'Byte 512, standing for the rest.'),
})
