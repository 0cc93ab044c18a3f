import { int, ref, text, wide } from '../../../arena'
import { at, both, type Wait } from '../../../machine'
import { PMD_PAGES } from '../../arch/x86/pgtable'
import { END, untilZapped } from '../../fs/break-layouts'
import { EBUSY, EINVAL, ENODEV, ENOMEM, ENXIO } from '../../include/errno'
import { FOLL } from '../../include/gup'
import { PAGE_SIZE } from '../../include/mm'
import type { Kernel } from '../../kernel'
import { __release_region, __request_region } from '../../kernel/resource'
import { IOMEM_RESOURCE } from '../../kernel/resource-tree'
import { dropAll } from '../../mm/gup-count'
import { ownMm, untilMappersPtl, untilMmapWritable } from '../../mm/locks'
import { memremap_pages, memunmap_pages } from '../../mm/memremap'
import { describePgmap } from '../../mm/memremap-ref'
import { makeArea } from '../../mm/mmap'
import { unmap_mapping_range } from '../../mm/rmap'
import { operation } from '../../operation'
import { handlesIn, taskHolds } from '../../wait-holders'
import { regionOf } from '../nvdimm/region'
import { nextGeneration } from './replace'
import { kill_dax } from './super'

/** The node of a device, as an inode of the file system where DAX devices have their pages. */
const nodeOf = (k: Kernel, device: number) => {
  const home = k.superBlocks.find((each) => each.s_type === 'dax' && each.device === device)
  return home && k.inodes.find(({ i_sb }) => i_sb === home.id)
}

/** The namespace behind a mapped device node; undefined for any other file. */
export function daxDeviceOf(k: Kernel, inode: number) {
  const { s_type, device } = k.superBlocks.at(k.inodes.at(inode).i_sb)
  return s_type === 'dax' ? k.namespaces.at(device) : undefined
}

/** The pgmap of a device; one aligned to 2 MiB has folios of that size. */
function describeDevice(k: Kernel, device: number) {
  const row = k.namespaces.at(device)
  const { start, end, gen, align } = row
  const vmemmap_shift = align === PMD_PAGES ? 9 : 0
  const about = { type: 'GENERIC', vmemmap_shift, start, end, gen, device: row.id } as const
  const pgmap = describePgmap(k, row.pgmap, about)
  row.pgmap = pgmap?.id ?? 0
  return pgmap
}

/** §4.2 of the DAX sheet: the bind of device_dax. */
export const dev_dax_attach = operation({
  name: 'dev_dax_attach',
  does: 'Binds device_dax: claims the range, gives it struct pages, and makes the device node.',
  source: { file: 'drivers/dax/device.c', fn: 'dev_dax_probe', version: '6.12' },
  leftOut: 'Sub-divided devices, altmap; folios of 2 MiB are written when they are first mapped.',
  params: { device: ref('nd_namespace') },
  locals: { error: int() },
  entry: 'request_region',
  steps: {
    request_region: {
      does: 'Claim the physical range.',
      fn: 'devm_request_mem_region',
      run(k, t) {
        const { name } = k.namespaces.at(t.device)
        const range = regionOf(k, t.device)
        const claim = { parent: IOMEM_RESOURCE, ...range, name, flags: 0 }
        return t.call(__request_region, claim, 'claimed')
      },
    },
    claimed: {
      does: 'Is the range ours? Then make the struct pages, MEMORY_DEVICE_GENERIC.',
      fn: 'devm_memremap_pages',
      run(k, t) {
        if (t.ret === 0) return t.done(-EBUSY)
        const device = k.namespaces.at(t.device)
        device.resource = k.resources.at(t.ret).id
        nextGeneration(k, t.device)
        const pgmap = describeDevice(k, t.device)
        if (pgmap === undefined) return 'failed'
        return t.call(memremap_pages, { pgmap: pgmap.id }, 'cdev_add')
      },
    },
    failed: {
      does: 'No struct pages: the claim goes back, and the probe fails.',
      fn: 'devres_release_all',
      run(k, t) {
        t.error = t.ret < 0 ? t.ret : -ENOMEM
        const range = regionOf(k, t.device)
        k.namespaces.at(t.device).resource = 0
        return t.call(__release_region, range, 'unbound')
      },
    },
    unbound: {
      does: 'No driver is bound.',
      fn: 'device_unbind_cleanup',
      run: (_k, t) => t.done(t.error),
    },
    cdev_add: {
      does: 'Make the DAX device, alive, and its node.',
      fn: 'cdev_device_add',
      run(k, t) {
        if (t.ret < 0) return 'failed'
        const device = k.namespaces.at(t.device)
        for (const old of k.daxDevices.rows())
          if (old.device === t.device) k.daxDevices.free(old.id)
        device.dax = k.daxDevices.make({ device: t.device }).id
        device.driver = 'device_dax'
        if (nodeOf(k, t.device) === undefined) {
          const home = k.superBlocks.make({ s_type: 'dax', s_id: device.name, device: t.device })
          const i_size = (device.end - device.start) * PAGE_SIZE
          k.inodes.make({ name: `/dev/${device.name}`, i_sb: home.id, i_size })
        }
        return t.done()
      },
    },
  },
})

/** mmap(2) of a device node. */
export const dax_mmap = operation({
  name: 'dax_mmap',
  does: 'Maps a DAX device.',
  source: { file: 'drivers/dax/device.c', fn: 'dax_mmap', version: '6.12', evidence: 'recorded' },
  leftOut: 'MAP_SYNC; unaligned file offsets.',
  via: ['vm_mmap_pgoff', 'ksys_mmap_pgoff'],
  start: {
    label: 'Map this device',
    on: ['inode'],
    by: 'process',
    args: (k, { id }) => ({
      inode: k.inodes.at(id).id,
      pages: 2 * PMD_PAGES,
      pgoff: 0,
      label: 'D',
      private: 0,
    }),
    refuse(k, { inode, pages }, task) {
      if (k.tasks.at(task).mm === 0) return 'This thread has no address space here.'
      if (!k.inodes.isLive(inode) || daxDeviceOf(k, inode) === undefined)
        return 'That is no DAX device.'
      if (k.vmas.isFull) return 'This simulation has no room for another mapping.'
      return pages > 0 && pages <= 2 ** 32 ? undefined : 'The length must be positive.'
    },
  },
  params: { inode: ref('inode'), pages: wide(), pgoff: wide(), label: text(), private: int() },
  entry: 'map',
  steps: {
    map: {
      does: 'Alive? Shared, and aligned to what one entry covers? Then make the area.',
      fn: 'check_vma',
      when: ownMm(untilMmapWritable),
      run(k, t) {
        const device = daxDeviceOf(k, t.inode)
        if (device?.driver !== 'device_dax' || k.daxDevices.at(device.dax).alive === 0)
          return t.done(-ENXIO)
        const isAligned = t.pages % device.align === 0 && t.pgoff % device.align === 0
        if (t.private === 1 || !isAligned) return t.done(-EINVAL)
        const vma = makeArea(k, t.task.mm, t)
        return t.done(vma ?? -ENOMEM)
      },
    },
  },
})
/** Waits until no TLB has an entry of the device: the clearing of them ends with a flush. */
const untilForgotten = at(
  untilZapped,
  (
    k: Kernel,
    { device, task }: { readonly device: number; readonly task: { readonly id: number } },
  ) => {
    const node = nodeOf(k, device)
    return node && { inode: node.id, task }
  },
)

/** Calls that return with a long-term pin. */
const PINNING = ['pin_user_pages_fast', 'ib_umem_get', 'vmsplice_to_pipe']

interface Unbinding {
  readonly device: number
}

/** Long-term pins of pages of the device. */
function longtermPins(k: Kernel, { device }: Unbinding) {
  const { start, end } = k.namespaces.at(device)
  return handlesIn(k, start, end).filter(({ flags }) => (flags & FOLL.longterm) !== 0)
}

/** Those that a call is still taking: nobody has been given them yet, and nobody can be told. */
const unfinishedPins = (k: Kernel, t: Unbinding) =>
  longtermPins(k, t).filter(
    ({ task }) =>
      k.tasks.isLive(task) &&
      k.machine.frames(task).some(({ operation: { name } }) => PINNING.includes(name)),
  )

/** Waits until who pins pages of the device has been given them. */
const untilPinned: Wait<Kernel, Unbinding> = {
  state: 'D',
  ready: (k, t) => unfinishedPins(k, t).length === 0,
  reason: (k, t) =>
    `waits for ${unfinishedPins(k, t).map(({ task }) => k.tasks.at(task).name)}, who is still pinning pages of the device`,
  holders: (k, t) => unfinishedPins(k, t).flatMap(({ task }) => taskHolds(task)),
}

/** §4.2: devres of device_dax, last made first. */
export const dev_dax_remove = operation({
  name: 'dev_dax_remove',
  does: 'Unbinds device_dax. It cannot fail.',
  source: {
    file: 'drivers/dax/device.c',
    fn: 'kill_dev_dax',
    version: '6.12',
    evidence: 'recorded',
  },
  leftOut: 'Open files of the node: they stay, and say -ENXIO.',
  via: ['__device_release_driver', 'device_driver_detach', 'unbind_store'],
  start: {
    label: 'Unbind device_dax (pull the device)',
    on: ['namespace'],
    by: 'admin',
    args: (k, { id }) => ({ device: k.namespaces.at(id).id }),
    refuse(k, { device }) {
      if (!k.namespaces.isLive(device)) return 'There is no such device.'
      return k.namespaces.at(device).driver === 'device_dax'
        ? undefined
        : 'device_dax is not bound.'
    },
  },
  params: { device: ref('nd_namespace') },
  entry: 'kill_dax',
  steps: {
    kill_dax: {
      does: 'No new fault can get through; wait for those that are under way.',
      run(k, t) {
        const { dax, driver } = k.namespaces.at(t.device)
        if (driver !== 'device_dax') return t.done(-ENODEV)
        return t.call(kill_dax, { dax }, 'unmap')
      },
    },
    unmap: {
      does: 'Clear every entry, whoever has it: all openers share one address_space.',
      fn: 'unmap_mapping_range',
      when: at(untilMappersPtl, (k: Kernel, t: { readonly device: number }) => {
        const node = nodeOf(k, t.device)
        return node && { inode: node.id }
      }),
      run(k, t) {
        const node = nodeOf(k, t.device)
        if (node !== undefined) unmap_mapping_range(k, node.id, 0, END)
        return k.policy.longtermRevoke === 'revoke' ? 'revoke' : 'cdev_del'
      },
    },
    revoke: {
      does: 'Whoever has long-term pins of this memory stops its DMA and lets go (never built).',
      fn: 'revoke',
      when: both(untilForgotten, untilPinned),
      run(k, t) {
        for (const { id } of longtermPins(k, t)) {
          dropAll(k, id)
          k.pinHandles.free(id)
        }
        return 'cdev_del'
      },
    },
    cdev_del: {
      does: 'The node goes: a new open fails.',
      fn: 'cdev_del',
      when: untilForgotten,
      run: (k, t) =>
        t.call(memunmap_pages, { pgmap: k.namespaces.at(t.device).pgmap }, 'release_region'),
    },
    release_region: {
      does: 'The claim in the iomem tree goes last.',
      fn: 'devm_region_release',
      run(k, t) {
        const range = regionOf(k, t.device)
        return t.call(__release_region, range, 'unbound')
      },
    },
    unbound: {
      does: 'No driver is bound.',
      fn: 'device_unbind_cleanup',
      run(k, t) {
        const device = k.namespaces.at(t.device)
        device.driver = 'none'
        device.resource = 0
        return t.done()
      },
    },
  },
})
