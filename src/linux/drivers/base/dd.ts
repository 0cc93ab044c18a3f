import { ref } from '../../../arena'
import { ENODEV } from '../../include/errno'
import { __release_region } from '../../kernel/resource'
import { memunmap_pages } from '../../mm/memremap'
import { operation } from '../../operation'
import { pmem_release_disk } from '../nvdimm/pmem'
import { regionOf } from '../nvdimm/region'
import { deviceUnlocked } from './device-lock'

/** §4.1 and §4.3 of the DAX sheet: the unbind of nd_pmem, devres in reverse order of its making. */
export const __device_release_driver = operation({
  name: '__device_release_driver',
  does: 'Unbinds the driver. It cannot fail: remove() returns nothing.',
  source: {
    file: 'drivers/base/dd.c',
    fn: '__device_release_driver',
    version: '6.12',
    evidence: 'recorded',
  },
  leftOut: 'Consumers, notifiers, runtime power management, and bad blocks.',
  via: ['device_driver_detach', 'unbind_store'],
  start: {
    label: 'Unbind the driver (pull the device)',
    on: ['namespace'],
    by: 'admin',
    args: (k, { id }) => ({ device: k.namespaces.at(id).id }),
    refuse(k, { device }) {
      if (!k.namespaces.isLive(device)) return 'There is no such namespace.'
      return k.namespaces.at(device).driver === 'nd_pmem' ? undefined : 'No driver is bound.'
    },
  },
  params: { device: ref('nd_namespace') },
  entry: 'lock',
  steps: {
    lock: {
      does: 'Take device_lock. If the driver has gone meanwhile, there is nothing to do.',
      fn: 'device_lock',
      when: deviceUnlocked,
      run(k, t) {
        const namespace = k.namespaces.at(t.device)
        if (namespace.driver === 'none') return t.done(-ENODEV)
        namespace.device_lock = t.task.id
        return 'remove'
      },
    },
    remove: {
      does: 'Call the driver’s remove(): nd_pmem only flushes. Everything else is devres, last made first.',
      fn: 'nd_pmem_remove',
      run: (_k, t) => t.call(pmem_release_disk, { device: t.device }, 'memunmap'),
    },
    memunmap: {
      does: 'Next devres entry: the struct pages.',
      fn: 'devm_memremap_pages_release',
      run(k, t) {
        const { pgmap } = k.namespaces.at(t.device)
        return t.call(memunmap_pages, { pgmap }, 'release_region')
      },
    },
    release_region: {
      does: 'Last devres entry: the claim in the iomem tree.',
      fn: 'devm_region_release',
      run(k, t) {
        const range = regionOf(k, t.device)
        return t.call(__release_region, range, 'unbound')
      },
    },
    unbound: {
      does: 'No driver is bound. The range is free for whoever asks.',
      fn: 'device_unbind_cleanup',
      run(k, t) {
        const namespace = k.namespaces.at(t.device)
        namespace.driver = 'none'
        namespace.resource = 0
        namespace.device_lock = 0
        return t.done()
      },
    },
  },
})
