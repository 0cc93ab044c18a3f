import { int, ref } from '../../../arena'
import { del_gendisk } from '../../block/genhd'
import { EBUSY, ENODEV, ENOMEM } from '../../include/errno'
import { PGMAP_OPS } from '../../include/memremap'
import type { Kernel } from '../../kernel'
import { __release_region, __request_region } from '../../kernel/resource'
import { IOMEM_RESOURCE } from '../../kernel/resource-tree'
import { memremap_pages } from '../../mm/memremap'
import { describePgmap } from '../../mm/memremap-ref'
import { operation } from '../../operation'
import { deviceUnlocked } from '../base/device-lock'
import { nextGeneration } from '../dax/replace'
import { kill_dax } from '../dax/super'
import { regionOf } from './region'

/** The disk that a namespace becomes: the number is that of its region. */
const diskName = (namespace: string): string =>
  `pmem${/^namespace(\d+)/.exec(namespace)?.[1] ?? '0'}`

/** Former dax_devices of a namespace go, but for those that a file system still has. */
function forgetDaxDevices(k: Kernel, namespace: number): void {
  const isHeld = (dax: number) => k.superBlocks.find(({ s_daxdev }) => s_daxdev === dax)
  for (const { id, device } of k.daxDevices.rows())
    if (device === namespace && isHeld(id) === undefined) k.daxDevices.free(id)
}

/** fsdax_pagemap_ops: from 6.0 on the driver is asked about memory errors itself. */
const opsOf = (k: Kernel): number =>
  k.policy.removeNotify === 'holder' || k.policy.removeNotify === 'preRemove'
    ? PGMAP_OPS.memory_failure
    : 0

/** The pgmap of a namespace in mode fsdax. */
function describeNamespace(k: Kernel, device: number) {
  const namespace = k.namespaces.at(device)
  const { start, end, gen } = namespace
  const about = { type: 'FS_DAX', ops: opsOf(k), start, end, gen, device: namespace.id } as const
  const pgmap = describePgmap(k, namespace.pgmap, about)
  namespace.pgmap = pgmap?.id ?? 0
  return pgmap
}

/** Bind: what probe of nd_pmem does with a namespace. */
export const pmem_attach_disk = operation({
  name: 'pmem_attach_disk',
  does: 'Binds the pmem driver: claims the range, gives it struct pages, and makes the disk.',
  source: {
    file: 'drivers/nvdimm/pmem.c',
    fn: 'pmem_attach_disk',
    version: '6.12',
    evidence: 'recorded',
  },
  leftOut:
    'Labels, BTT and device-dax modes, bad blocks, and a memory map that lies on the device (map=dev).',
  via: ['nd_pmem_probe', 'nvdimm_bus_probe', 'really_probe', 'bind_store'],
  start: {
    label: 'Bind the pmem driver',
    on: ['namespace'],
    by: 'admin',
    args: (k, { id }) => ({ device: k.namespaces.at(id).id }),
    refuse(k, { device }) {
      if (!k.namespaces.isLive(device)) return 'There is no such namespace.'
      return k.namespaces.at(device).driver === 'none' ? undefined : 'The driver is bound already.'
    },
  },
  params: { device: ref('nd_namespace') },
  locals: { error: int() },
  entry: 'lock',
  steps: {
    lock: {
      does: 'Take device_lock. If a driver has been bound meanwhile, there is nothing to do.',
      fn: 'device_lock',
      when: deviceUnlocked,
      run(k, t) {
        const namespace = k.namespaces.at(t.device)
        if (namespace.driver !== 'none') return t.done(-EBUSY)
        namespace.device_lock = t.task.id
        return 'request_region'
      },
    },
    request_region: {
      does: 'Claim the physical range for the namespace.',
      fn: 'devm_request_mem_region',
      run(k, t) {
        const { name } = k.namespaces.at(t.device)
        const range = regionOf(k, t.device)
        return t.call(
          __request_region,
          { parent: IOMEM_RESOURCE, ...range, name, flags: 0 },
          'claimed',
        )
      },
    },
    claimed: {
      does: 'Is the range ours? Otherwise the probe fails with -EBUSY.',
      run(k, t) {
        const namespace = k.namespaces.at(t.device)
        if (t.ret === 0) {
          namespace.device_lock = 0
          return t.done(-EBUSY)
        }
        namespace.resource = k.resources.at(t.ret).id
        nextGeneration(k, t.device)
        const pgmap = describeNamespace(k, t.device)
        if (pgmap === undefined) return 'failed'
        return t.call(memremap_pages, { pgmap: pgmap.id }, 'alloc_dax')
      },
    },
    failed: {
      does: 'No struct pages: the claim goes back, and the probe fails.',
      fn: 'devres_release_all',
      run(k, t) {
        t.error = t.ret < 0 ? t.ret : -ENOMEM
        const range = regionOf(k, t.device)
        return t.call(__release_region, range, 'unbound')
      },
    },
    unbound: {
      does: 'No driver is bound.',
      fn: 'device_unbind_cleanup',
      run(k, t) {
        const namespace = k.namespaces.at(t.device)
        namespace.resource = 0
        namespace.device_lock = 0
        return t.done(t.error)
      },
    },
    alloc_dax: {
      does: 'Make the dax_device, alive.',
      fn: 'alloc_dax',
      run(k, t) {
        if (t.ret < 0) return 'failed'
        const namespace = k.namespaces.at(t.device)
        forgetDaxDevices(k, t.device)
        namespace.dax = k.daxDevices.make({ device: t.device }).id
        return 'add_disk'
      },
    },
    add_disk: {
      does: 'Add the disk. The driver is bound.',
      fn: 'device_add_disk',
      run(k, t) {
        const namespace = k.namespaces.at(t.device)
        namespace.blockdev = diskName(namespace.name)
        namespace.driver = 'nd_pmem'
        namespace.device_lock = 0
        return t.done()
      },
    },
  },
})

/** What devres calls first when the driver goes: the disk and its DAX side. */
export const pmem_release_disk = operation({
  name: 'pmem_release_disk',
  does: 'Takes the disk down.',
  source: { file: 'drivers/nvdimm/pmem.c', fn: 'pmem_release_disk', version: '6.12' },
  leftOut: 'The sysfs links, and the last reference of the disk.',
  params: { device: ref('nd_namespace') },
  entry: 'remove_host',
  steps: {
    remove_host: {
      does: 'Take the way from the disk to the dax_device away (5.17), and kill the dax_device.',
      fn: 'dax_remove_host',
      run(k, t) {
        const { dax } = k.namespaces.at(t.device)
        if (dax === 0) return t.done(-ENODEV)
        // The series of 2021 moved kill_dax() to where the pgmap is killed.
        if (k.policy.removeNotify === 'massFailure') return 'put_dax'
        return t.call(kill_dax, { dax }, 'put_dax')
      },
    },
    put_dax: {
      does: 'Drop the driver’s reference of the dax_device.',
      fn: 'put_dax',
      run: () => 'del_gendisk',
    },
    del_gendisk: {
      does: 'Delete the disk; a mounted file system is synced on the way.',
      run: (_k, t) => t.call(del_gendisk, { device: t.device }, 'put_disk'),
    },
    put_disk: {
      does: 'Drop the disk.',
      fn: 'put_disk',
      run: (_k, t) => t.done(),
    },
  },
})
