import { int, ref, text, wide } from '../../arena'
import { here, inSeries, notRunning, running } from '../arch/x86/mm/pkeys'
import { EINVAL, ENOMEM } from '../include/errno'
import type { Kernel } from '../kernel'
import { operation } from '../operation'
import { dev_access_disable, dev_access_enable, devmap_protected } from './devmap-protection'
import { callMade, isOpen, mapCallOf, mapCalls, windowOf } from './highmem-rights'

/** The call by which a thread maps a page for itself, where there are several. */
export const localCall = (k: Kernel): string =>
  ['kmap_thread', 'kmap_local_page', 'kmap'].find(
    (name) => windowOf(k, mapCallOf(name) ?? 'kmap', false) === 'thread',
  ) ?? 'kmap_local_page'

export const kmapPage = operation({
  name: 'kmapPage',
  does: 'kmap() and its kin: on 64 bits the address is that of the direct map, with side effects. The window to protected pages is one.',
  source: inSeries('include/linux/highmem.h', 'kmap'),
  leftOut: 'Highmem; and that kmap_atomic() also disables page faults.',
  start: {
    label: 'Map it for kernel code',
    on: ['direct_map', 'cpu'],
    by: 'admin',
    args: (k, { key }) => ({
      pfn: key ?? k.pgmaps.find(() => true)?.start ?? 0,
      by: localCall(k),
      global: 0,
    }),
    refuse(k, { pfn, by, global }, task) {
      const why = notRunning(k, task)
      if (why !== undefined) return why
      if (!k.directMap.has(pfn)) return 'There is no page.'
      if (k.kernelMappings.isFull) return 'Too many mappings are open.'
      const known = mapCallOf(by)
      if (known === undefined) return `There are ${mapCalls.join(', ')}.`
      const hasCall = windowOf(k, known, global === 1) !== undefined
      return hasCall ? undefined : `This kernel has no ${by}().`
    },
  },
  params: { pfn: wide(), by: text(), global: int() },
  locals: { mapping: ref('kernel_mapping') },
  entry: 'map',
  steps: {
    map: {
      does: 'Take the address. Does the page have a key, and does this call open it? kmap_atomic() disables preemption.',
      fn: 'kmap',
      when: running,
      run(k, t) {
        const asked = mapCallOf(t.by)
        const { cpu, level } = here(k, t)
        if (asked === undefined || k.kernelMappings.isFull) return t.done(-ENOMEM)
        const call = callMade(k, asked)
        const { id } = k.kernelMappings.make({ pfn: t.pfn, call, task: t.task.id, level })
        t.mapping = id
        if (call === 'kmap_atomic') cpu.preempt_count += 1
        const window = windowOf(k, call, t.global === 1) ?? 'none'
        t.global = window === 'all' ? 1 : 0
        if (window === 'none' || !devmap_protected(k, t.pfn)) return 'use'
        return t.call(dev_access_enable, { global: t.global }, 'opened')
      },
    },
    opened: {
      does: 'The window is open, or was.',
      run(k, t) {
        const mapping = k.kernelMappings.at(t.mapping)
        mapping.window = 1
        mapping.global = t.global
        return 'use'
      },
    },
    use: {
      does: 'The caller has its pointer.',
      fn: 'page_address',
      run(k, t) {
        k.kernelMappings.at(t.mapping).open = 1
        return t.done(t.mapping)
      },
    },
  },
})

export const kunmapPage = operation({
  name: 'kunmapPage',
  does: 'kunmap() and its kin: whoever calls it closes a window of its own.',
  source: inSeries('include/linux/highmem.h', 'kunmap'),
  leftOut: 'Highmem.',
  start: {
    label: 'Unmap what was mapped last',
    on: ['direct_map', 'cpu'],
    by: 'admin',
    args: (k) => ({ mapping: k.kernelMappings.rows().at(-1)?.id ?? 0 }),
    refuse(k, { mapping }, task) {
      if (!isOpen(k, mapping)) return 'There is no such mapping.'
      return notRunning(k, task)
    },
  },
  params: { mapping: ref('kernel_mapping') },
  entry: 'unmap',
  steps: {
    unmap: {
      does: 'Was a window opened for it? Then close one, for the thread that calls.',
      fn: 'kunmap',
      when: running,
      run(k, t) {
        if (!isOpen(k, t.mapping)) return t.done(-EINVAL)
        const { window, global } = k.kernelMappings.at(t.mapping)
        return window === 0 ? 'forget' : t.call(dev_access_disable, { global }, 'forget')
      },
    },
    forget: {
      does: 'The pointer is not to be used any more. kunmap_atomic() enables preemption.',
      fn: 'kunmap',
      when: running,
      run(k, t) {
        if (!k.kernelMappings.isLive(t.mapping)) return t.done(-EINVAL)
        if (k.kernelMappings.at(t.mapping).call === 'kmap_atomic') here(k, t).cpu.preempt_count -= 1
        k.kernelMappings.free(t.mapping)
        return t.done()
      },
    },
  },
})
