import type { Kernel } from '../linux/kernel'
import type { Target } from '../machine'
import { isThere } from '../store/menu'

const hex = (value: number): string => `0x${value.toString(16)}`

const pages = (count: number): string => (count === 1 ? '1 page' : `${count} pages`)

/** An object in a few words, as the inspector and the menu head it. */
export function describeTarget(k: Kernel, target: Target): string {
  const { kind, id, key = 0 } = target
  if (!isThere(k, target)) return 'This object is gone.'
  switch (kind) {
    case 'pte':
      return `Entry of ${k.mms.at(id).comm}, va ${hex(key * 4096)}`
    case 'page':
      return `struct page ${hex(key)}`
    case 'vma':
      return `Area ${k.vmas.at(id).label} of ${k.mms.at(k.vmas.at(id).vm_mm).comm}`
    case 'inode':
      return `File ${k.inodes.at(id).name}`
    case 'super_block':
      return `File system ${k.superBlocks.at(id).s_type} on ${k.superBlocks.at(id).s_id}`
    case 'namespace':
      return `Namespace ${k.namespaces.at(id).name}`
    case 'resource':
      return `Range ${k.resources.at(id).name}`
    case 'pin':
      return `FOLL_${k.pinHandles.at(id).kind} of ${pages(k.pinHandles.at(id).got)}`
    case 'pipe':
      return `Pipe ${k.pipes.at(id).name}`
    case 'zone':
      return `ZONE_${k.zones.at(id).type}`
    case 'stable_node':
      return `KSM stable node of ${hex(k.stableNodes.at(id).kpfn)}`
    case 'swap_slot':
      return `Swap slot ${key}`
    case 'anon_vma':
      return `anon_vma of ${k.mms.at(id).comm}`
    case 'cxl_port':
      return `CXL port ${k.cxlPorts.at(id).name}`
    case 'cxl_memdev':
      return `CXL memory device ${k.cxlMemdevs.at(id).name}`
    case 'cxl_decoder':
      return `HDM decoder ${k.cxlDecoders.at(id).name}`
    case 'cxl_region':
      return `CXL region ${k.cxlRegions.at(id).name}`
    case 'dev_dax':
      return `DAX device ${k.devDaxes.at(id).name}`
    case 'dax_device':
      return `dax_device of ${k.namespaces.at(k.daxDevices.at(id).device).name}`
    case 'dax_lease':
      return 'dax_lease'
    case 'dax_entry':
      return `DAX entry ${key} of ${k.inodes.at(id).name}`
    case 'memory_block':
      return `Memory block memory${key}`
    case 'umem_odp':
      return 'Memory region on demand'
    case 'pgmap':
      return `dev_pagemap of ${k.namespaces.at(k.pgmaps.at(id).device).name}`
    case 'mm':
      return `Address space of ${k.mms.at(id).comm}`
    case 'dax_lease':
      return `Lease of ${k.inodes.at(k.daxLeases.at(id).inode).name}`
    case 'task':
      return `Thread ${k.tasks.at(id).name}`
    default:
      return kind
  }
}
