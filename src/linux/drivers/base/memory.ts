import { int, text } from '../../../arena'
import { EINVAL } from '../../include/errno'
import { takeSignals } from '../../kernel/signal'
import { offline_pages, online_pages } from '../../mm/memory_hotplug'
import { hotplugOf, lockHotplug, untilHotplugFree } from '../../mm/memory-blocks'
import { operation } from '../../operation'

const WANTED = ['offline', 'online', 'online_movable', 'online_kernel']

/** §7.1 of the DAX sheet: a write to /sys/devices/system/memory/memoryN/state. */
export const state_store = operation({
  name: 'state_store',
  does: 'Onlines or offlines a memory block.',
  source: { file: 'drivers/base/memory.c', fn: 'state_store', version: '6.12' },
  leftOut:
    'online without a zone takes ZONE_MOVABLE here; the lock is a trylock and a restart of the call.',
  via: ['kernfs_fop_write_iter', '__x64_sys_write'],
  start: {
    label: 'Write its state',
    on: ['memory_block'],
    by: 'admin',
    args: (k, { key = 0 }) => ({
      block: key,
      state:
        k.memoryBlocks.has(key) && k.memoryBlocks.at(key).state === 'online'
          ? 'offline'
          : 'online_movable',
    }),
    refuse(k, { block, state }) {
      if (hotplugOf(k) === undefined || block < 0 || !k.memoryBlocks.has(block))
        return 'There is no such memory block.'
      return WANTED.includes(state) ? undefined : `A state is one of ${WANTED.join(', ')}.`
    },
  },
  params: { block: int(), state: text() },
  entry: 'lock',
  steps: {
    lock: {
      does: 'Take device_hotplug_lock.',
      fn: 'lock_device_hotplug_sysfs',
      when: untilHotplugFree,
      run(k, t) {
        if (!k.memoryBlocks.has(t.block)) return t.done(-EINVAL)
        lockHotplug(k, t.task.id)
        return 'change'
      },
    },
    change: {
      does: 'Change the state of the block, unless it has that state already.',
      fn: 'memory_block_change_state',
      run(k, t) {
        const { block } = t
        const isOnline = k.memoryBlocks.at(block).state === 'online'
        if (t.state === 'offline' && isOnline)
          return t.call(offline_pages, { block, blocks: 1 }, 'unlock')
        const movable = t.state === 'online_kernel' ? 0 : 1
        if (t.state !== 'offline' && !isOnline)
          return t.call(online_pages, { block, blocks: 1, movable }, 'unlock')
        lockHotplug(k, 0)
        return t.done(-EINVAL)
      },
    },
    unlock: {
      does: 'Drop the lock, and return to user space; a signal is taken there.',
      fn: 'unlock_device_hotplug',
      run(k, t) {
        lockHotplug(k, 0)
        takeSignals(k, t.task.id)
        return t.done(t.ret)
      },
    },
  },
})
