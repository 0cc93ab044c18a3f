import { int, ref } from '../../../arena'
import { EBUSY, ENODEV, ENOMEM } from '../../include/errno'
import { PAGE_SIZE } from '../../include/mm'
import type { Kernel } from '../../kernel'
import { operation } from '../../operation'
import { daxUnlocked, endWhenGone, untilUnused } from '../cxl/users'
import { dev_dax_attach, dev_dax_remove } from './device'
import { dev_dax_kmem_probe, dev_dax_kmem_remove } from './kmem'

const refuseMissing = (k: Kernel, dax: number): string | undefined =>
  k.devDaxes.isLive(dax) ? undefined : 'There is no such DAX device.'

/** What device_dax works on: the range of the device in page frames. 0: there is no room for it. */
function nodeOf(k: Kernel, dax: number) {
  const { name, start, end } = k.devDaxes.at(dax)
  const range = { start: start / PAGE_SIZE, end: (end + 1) / PAGE_SIZE }
  const known = k.namespaces.find((each) => each.name === name && each.start === range.start)
  const made = known ?? k.namespaces.alloc({ name, ...range, mode: 'devdax' })
  k.devDaxes.at(dax).node = made?.id ?? 0
  return made?.id ?? 0
}

/** The bind of a driver to a DAX device of a CXL region: kmem by default, or device_dax. */
export const dev_dax_probe = operation({
  name: 'dev_dax_probe',
  does: 'Binds a driver to a DAX device: kmem makes System RAM of it, device_dax a file to map.',
  source: { file: 'drivers/dax/bus.c', fn: 'dax_bus_probe', version: '6.12' },
  leftOut: 'new_id and remove_id.',
  via: ['really_probe', 'bind_store'],
  start: {
    label: 'Bind kmem',
    on: ['dev_dax'],
    by: 'admin',
    args: (k, { id }) => ({ dax: k.devDaxes.at(id).id, devdax: 0 }),
    refuse: (k, { dax }) =>
      refuseMissing(k, dax) ??
      (k.devDaxes.at(dax).driver === 'none' ? undefined : 'A driver is bound already.'),
  },
  params: { dax: ref('dev_dax'), devdax: int() },
  entry: 'match',
  steps: {
    match: {
      does: 'Which driver? Both begin by claiming the range.',
      fn: 'dax_bus_match',
      when: daxUnlocked,
      run(k, t) {
        const { driver } = k.devDaxes.at(t.dax)
        if (driver !== 'none') return t.done(-EBUSY)
        if (t.devdax === 0) return t.call(dev_dax_kmem_probe, { dax: t.dax }, 'bound')
        const node = nodeOf(k, t.dax)
        return node === 0 ? t.done(-ENOMEM) : t.call(dev_dax_attach, { device: node }, 'attached')
      },
    },
    attached: {
      does: 'The probe of device_dax is over: -EBUSY where somebody else has the range.',
      run(k, t) {
        if (t.ret < 0) return t.done(t.ret)
        const device = k.devDaxes.at(t.dax)
        device.driver = 'device_dax'
        device.alive = 1
        return t.done(0)
      },
    },
    bound: { does: 'The probe of kmem is over.', run: (_k, t) => t.done(t.ret) },
  },
})

/** The unbind of the driver of a DAX device. It cannot fail. */
export const dax_bus_remove = operation({
  name: 'dax_bus_remove',
  does: 'Unbinds the driver of a DAX device. It cannot fail: remove() returns nothing.',
  source: { file: 'drivers/dax/bus.c', fn: 'dax_bus_remove', version: '6.12' },
  leftOut: 'device_lock.',
  via: ['__device_release_driver', 'device_driver_detach', 'unbind_store'],
  start: {
    label: 'Unbind its driver',
    on: ['dev_dax'],
    by: 'admin',
    args: (k, { id }) => ({ dax: k.devDaxes.at(id).id }),
    refuse: (k, { dax }) =>
      refuseMissing(k, dax) ??
      (k.devDaxes.at(dax).driver === 'none' ? 'No driver is bound.' : undefined),
  },
  params: { dax: ref('dev_dax') },
  entry: 'remove',
  steps: {
    remove: {
      does: 'Call the driver: kmem tries to remove the memory; device_dax closes the door and zaps every entry.',
      fn: 'device_remove',
      when: daxUnlocked,
      run(k, t) {
        const { driver } = k.devDaxes.at(t.dax)
        if (driver === 'none') return t.done(-ENODEV)
        if (driver === 'kmem') return t.call(dev_dax_kmem_remove, { dax: t.dax }, 'unbound')
        return t.call(dev_dax_remove, { device: k.devDaxes.at(t.dax).node }, 'unbound')
      },
    },
    unbound: {
      does: 'No driver is bound.',
      fn: 'device_unbind_cleanup',
      run(k, t) {
        k.devDaxes.at(t.dax).driver = 'none'
        return t.done(0)
      },
    },
  },
})

/** §6.3 of the DAX sheet, U2. */
export const unregister_dev_dax = operation({
  name: 'unregister_dev_dax',
  does: 'Deletes a DAX device, whatever its driver still has.',
  source: { file: 'drivers/dax/bus.c', fn: 'unregister_dev_dax', version: '6.12' },
  leftOut: 'The minor number, and the last reference of the inode.',
  params: { dax: ref('dev_dax') },
  entry: 'kill',
  steps: {
    kill: {
      does: 'The device is no longer alive: no new mapping of it succeeds.',
      fn: 'kill_dev_dax',
      run(k, t) {
        k.devDaxes.at(t.dax).alive = 0
        return 'device_del'
      },
    },
    device_del: {
      does: 'Delete the device: its driver is unbound.',
      fn: 'device_del',
      run(k, t) {
        const { driver } = k.devDaxes.at(t.dax)
        return driver === 'none' ? 'free' : t.call(dax_bus_remove, { dax: t.dax }, 'free')
      },
    },
    free: {
      does: 'The device is gone. Memory blocks that could not be removed belong to nobody.',
      fn: 'dev_dax_release',
      when: untilUnused('dax', ['dev_dax_probe', 'dax_bus_remove']),
      run(k, t) {
        k.memoryBlocks.edit(0, 2 ** 25, ({ dax }) => (dax === t.dax ? { dax: 0 } : {}))
        k.devDaxes.free(t.dax)
        return t.done(0)
      },
    },
  },
})

endWhenGone('dax', [
  dev_dax_probe,
  dax_bus_remove,
  unregister_dev_dax,
  dev_dax_kmem_probe,
  dev_dax_kmem_remove,
])
