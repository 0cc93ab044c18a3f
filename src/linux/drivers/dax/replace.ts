import { int, ref, wide } from '../../../arena'
import { EBUSY } from '../../include/errno'
import type { Kernel } from '../../kernel'
import { printk } from '../../kernel/printk'
import { operation } from '../../operation'
import { deviceUnlocked } from '../base/device-lock'

/** A binding is a new generation, unless it is the first of a card that was just put in. */
export function nextGeneration(k: Kernel, device: number): void {
  const namespace = k.namespaces.at(device)
  const { gen } = namespace
  const isBound = k.pgmaps.find((pgmap) => pgmap.device === device && pgmap.gen === gen)
  if (gen === 0 || isBound !== undefined) namespace.gen += 1
}

/** Rows 6 of W18 and W23 of the DAX sheet. */
export const replaceDevice = operation({
  name: 'replaceDevice',
  does: 'Somebody puts another card in: other memory answers at the same physical addresses.',
  source: {
    file: 'drivers/nvdimm/bus.c',
    fn: 'nd_device_unregister',
    version: '6.12',
    evidence: 'deduced',
    note: 'No kernel function does this: it is what a hand does at the slot. That stale entries then reach the other card follows from the code; it was not recorded.',
  },
  leftOut:
    'The slot, the link, and the scan that finds the card; the new card has the size of the old one, and all its bytes are the same two.',
  start: {
    label: 'Replace the card by somebody else’s',
    on: ['namespace'],
    by: 'admin',
    args: (k, { id }) => ({ device: k.namespaces.at(id).id, value: 0x7e }),
    refuse(k, { device, value }) {
      if (!k.namespaces.isLive(device)) return 'There is no such namespace.'
      if (k.cxlMemdevs.capacity > 0) return 'A CXL card is replaced in its slot.'
      if (k.namespaces.at(device).driver !== 'none')
        return 'The driver is bound: unbind it before the card goes.'
      return value >= 0 && value <= 0xff ? undefined : 'A byte is from 0 to 255.'
    },
  },
  params: { device: ref('nd_namespace'), value: int() },
  locals: { start: wide(), end: wide() },
  entry: 'pull',
  steps: {
    pull: {
      does: 'The old card goes, and its bytes with it.',
      fn: 'nd_device_unregister',
      when: deviceUnlocked,
      run(k, t) {
        const { driver, start, end } = k.namespaces.at(t.device)
        if (driver !== 'none') return t.done(-EBUSY)
        t.start = start
        t.end = end
        k.contents.clear(start, end)
        k.badblocks.clear(start, end)
        return 'insert'
      },
    },
    insert: {
      does: 'The new one answers at the same addresses, with what another owner has written.',
      fn: 'nd_device_register',
      run(k, t) {
        const { value } = t
        const namespace = k.namespaces.at(t.device)
        k.contents.fill(t.start, t.end, { value, rest: value })
        namespace.gen += 1
        printk(k, `nd ${namespace.name}: another card answers, generation ${namespace.gen}`)
        return t.done(0)
      },
    },
  },
})
