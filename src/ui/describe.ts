import type { Kernel } from '../linux/kernel'
import type { Target } from '../machine'
import { isThere } from '../store/menu'

/** The device whose memory it is: a namespace, or who calls itself its owner. */
function pgmapOwner(k: Kernel, id: number): string {
  const { device, owner } = k.pgmaps.at(id)
  if (device !== 0) return k.namespaces.at(device).name
  return owner === '' ? 'a PCI device' : owner
}

const hex = (value: number): string => `0x${value.toString(16)}`

const pages = (count: number): string => (count === 1 ? '1 page' : `${count} pages`)

/** What each kind of object is called, with its name. */
const words: Readonly<Record<string, (k: Kernel, id: number, key: number) => string>> = {
  pte: (k, id, key) => `Entry of ${k.mms.at(id).comm}, va ${hex(key * 4096)}`,
  page: (_k, _id, key) => `struct page ${hex(key)}`,
  vma: (k, id) => `Area ${k.vmas.at(id).label} of ${k.mms.at(k.vmas.at(id).vm_mm).comm}`,
  inode: (k, id) => `File ${k.inodes.at(id).name}`,
  super_block: (k, id) =>
    `File system ${k.superBlocks.at(id).s_type} on ${k.superBlocks.at(id).s_id}`,
  namespace: (k, id) => `Namespace ${k.namespaces.at(id).name}`,
  resource: (k, id) => `Range ${k.resources.at(id).name}`,
  pin: (k, id) => `FOLL_${k.pinHandles.at(id).kind} of ${pages(k.pinHandles.at(id).got)}`,
  pipe: (k, id) => `Pipe ${k.pipes.at(id).name}`,
  zone: (k, id) => `ZONE_${k.zones.at(id).type}`,
  stable_node: (k, id) => `KSM stable node of ${hex(k.stableNodes.at(id).kpfn)}`,
  swap_slot: (_k, _id, key) => `Swap slot ${key}`,
  anon_vma: (k, id) => `anon_vma of ${k.mms.at(id).comm}`,
  cxl_port: (k, id) => `CXL port ${k.cxlPorts.at(id).name}`,
  cxl_memdev: (k, id) => `CXL memory device ${k.cxlMemdevs.at(id).name}`,
  cxl_decoder: (k, id) => `HDM decoder ${k.cxlDecoders.at(id).name}`,
  cxl_region: (k, id) => `CXL region ${k.cxlRegions.at(id).name}`,
  dev_dax: (k, id) => `DAX device ${k.devDaxes.at(id).name}`,
  dax_device: (k, id) => `dax_device of ${k.namespaces.at(k.daxDevices.at(id).device).name}`,
  dax_entry: (k, id, key) => `DAX entry ${key} of ${k.inodes.at(id).name}`,
  memory_block: (_k, _id, key) => `Memory block memory${key}`,
  umem_odp: () => 'Memory region on demand',
  pgmap: (k, id) => `dev_pagemap of ${pgmapOwner(k, id)}`,
  mm: (k, id) => `Address space of ${k.mms.at(id).comm}`,
  dax_lease: (k, id) => `Lease of ${k.inodes.at(k.daxLeases.at(id).inode).name}`,
  dmirror: (k, id) => `Device ${k.dmirrors.at(id).name}`,
  p2pdma: (k, id) => `PCI device ${k.p2pdmas.at(id).name}`,
  boot: () => 'The boot',
  pci_host_bridge: (k, id) => `Host bridge ${k.pciHosts.at(id).name}`,
  pci_dev: (k, id) => `PCI device ${k.pciDevs.at(id).name}`,
  kernfs_node: (k, id) => `File ${k.kernfsNodes.at(id).name}`,
  bin_attribute: (k, id) => `Attribute of ${k.binAttributes.at(id).name}`,
  cpu: (k, id) => k.cpus.at(id).name,
  direct_map: (_k, _id, key) => `Direct map, from ${hex(key)}`,
  pks: () => 'Protection keys',
  task: (k, id) => `Thread ${k.tasks.at(id).name}`,
}

/** An object in a few words, as the inspector and the menu head it. */
export function describeTarget(k: Kernel, target: Target): string {
  const { kind, id, key = 0 } = target
  if (!isThere(k, target)) return 'This object is gone.'
  return words[kind]?.(k, id, key) ?? kind
}
