import { ref, wide } from '../../../arena'
import { EBUSY, EINVAL } from '../../include/errno'
import { MEMORY_BLOCK_SIZE } from '../../include/memory'
import type { Kernel } from '../../kernel'
import { printk } from '../../kernel/printk'
import { __request_region } from '../../kernel/resource'
import { IOMEM_RESOURCE, removeResource } from '../../kernel/resource-tree'
import {
  add_memory_driver_managed,
  notOffline,
  offline_pages,
  remove_memory,
  SYSTEM_RAM,
} from '../../mm/memory_hotplug'
import { lockHotplug, untilHotplugFree } from '../../mm/memory-blocks'
import { operation } from '../../operation'
import { failRange, forgetRange } from './fail-range'

const hex = (address: number): string => `0x${address.toString(16)}`

/** dax_kmem_range(): the whole memory blocks of a device’s range; size 0 where there is none. */
export function kmemRange(k: Kernel, dax: number): { start: number; size: number } {
  const { start, end } = k.devDaxes.at(dax)
  const first = Math.ceil(start / MEMORY_BLOCK_SIZE) * MEMORY_BLOCK_SIZE
  const last = Math.floor((end + 1) / MEMORY_BLOCK_SIZE) * MEMORY_BLOCK_SIZE
  return { start: first, size: Math.max(0, last - first) }
}

const logLine = (k: Kernel, dax: number, says: string): void => {
  const { start, size } = kmemRange(k, dax)
  const { name } = k.devDaxes.at(dax)
  printk(k, `kmem ${name}: mapping0: ${hex(start)}-${hex(start + size - 1)} ${says}`)
}

/** §4.4 of the DAX sheet, probe. */
export const dev_dax_kmem_probe = operation({
  name: 'dev_dax_kmem_probe',
  does: 'Makes System RAM of a DAX device: claims its range, and adds it as memory blocks.',
  source: { file: 'drivers/dax/kmem.c', fn: 'dev_dax_kmem_probe', version: '6.12' },
  leftOut: 'Several ranges of a device, memory tiers, and memmap_on_memory.',
  params: { dax: ref('dev_dax') },
  locals: { start: wide(), size: wide() },
  entry: 'align',
  steps: {
    align: {
      does: 'Cut the range to whole memory blocks.',
      fn: 'dax_kmem_range',
      run(k, t) {
        const { start, size } = kmemRange(k, t.dax)
        if (size === 0) return t.done(-EINVAL)
        t.start = start
        t.size = size
        return 'request'
      },
    },
    request: {
      does: 'Claim the range in the name of the device.',
      fn: 'request_mem_region',
      run(k, t) {
        const end = t.start + t.size - 1
        const { name } = k.devDaxes.at(t.dax)
        return t.call(
          __request_region,
          { parent: IOMEM_RESOURCE, start: t.start, end, name, flags: 0 },
          'claimed',
        )
      },
    },
    claimed: {
      does: 'Is the range ours? Then its claim is no longer BUSY: System RAM is going to be below it.',
      run(k, t) {
        if (t.ret === 0) {
          logLine(k, t.dax, 'could not reserve region')
          return t.done(-EBUSY)
        }
        const node = k.resources.at(t.ret)
        node.flags = SYSTEM_RAM
        k.devDaxes.at(t.dax).resource = node.id
        const { start, size, dax } = t
        const name = 'System RAM (kmem)'
        return t.call(add_memory_driver_managed, { start, size, dax, name }, 'added')
      },
    },
    added: {
      does: 'The blocks are there, offline until somebody onlines them. The driver is bound.',
      run(k, t) {
        const device = k.devDaxes.at(t.dax)
        if (t.ret < 0) {
          removeResource(k, k.resources.at(device.resource))
          device.resource = 0
          return t.done(t.ret)
        }
        device.driver = 'kmem'
        return t.done(0)
      },
    },
  },
})

/** §4.4 of the DAX sheet, remove: one shot. */
export const dev_dax_kmem_remove = operation({
  name: 'dev_dax_kmem_remove',
  does: 'Takes the memory of a DAX device out of the system, if all of it is offline; leaks its range otherwise.',
  source: {
    file: 'drivers/dax/kmem.c',
    fn: 'dev_dax_kmem_remove',
    version: '6.12',
    note: 'The branch that fails the memory first is an idea of the mail of March 2021; it was never coded.',
  },
  leftOut: 'The memory group, the node’s memory type, and kernels without memory hotremove.',
  params: { dax: ref('dev_dax') },
  locals: { start: wide(), size: wide() },
  entry: 'begin',
  steps: {
    begin: {
      does: 'There is one try: the unbind goes on whatever comes of it.',
      run(k, t) {
        const { start, size } = kmemRange(k, t.dax)
        t.start = start
        t.size = size
        const isOnline = notOffline(k, t) !== undefined
        return isOnline && k.policy.kmemRemove === 'failMemory' ? 'fail_memory' : 'remove'
      },
    },
    fail_memory: {
      does: 'An idea, never coded: memory_failure() for every page of the range. Mappings become hwpoison entries.',
      fn: 'memory_failure',
      when: untilHotplugFree,
      run(k, t) {
        lockHotplug(k, t.task.id)
        failRange(k, t.start, t.size)
        return 'offline'
      },
    },
    offline: {
      does: 'Offline the next blocks, those that are alike at once: poisoned pages are not waited for.',
      fn: 'offline_pages',
      run(k, t) {
        const blocks = notOffline(k, t)
        if (blocks !== undefined) return t.call(offline_pages, blocks, 'offline')
        lockHotplug(k, 0)
        return 'remove'
      },
    },
    remove: {
      does: 'Remove the memory; this fails with -EBUSY if one block is not offline.',
      run: (_k, t) => t.call(remove_memory, { start: t.start, size: t.size }, 'release'),
    },
    release: {
      does: 'Removed: release the claim. Not removed: say so in the log, and leave the claim until reboot.',
      fn: 'remove_resource',
      run(k, t) {
        const device = k.devDaxes.at(t.dax)
        device.driver = 'none'
        if (t.ret === 0) forgetRange(k, t.start, t.size)
        if (t.ret < 0) logLine(k, t.dax, 'cannot be hotremoved until the next reboot')
        else if (device.resource !== 0) {
          removeResource(k, k.resources.at(device.resource))
          device.resource = 0
        }
        return t.done(0)
      },
    },
  },
})
