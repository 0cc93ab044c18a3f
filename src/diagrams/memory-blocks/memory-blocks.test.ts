import { describe, expect, it } from 'vitest'
import { state_store } from '../../linux/drivers/base/memory'
import { pciehp_unconfigure_device, pullCable } from '../../linux/drivers/cxl/hotplug'
import { onlineMeansDecoded } from '../../linux/invariants/online-means-decoded'
import type { Kernel } from '../../linux/kernel'
import { bootCxl } from '../../testing/cxl-kernel'
import { cardText } from '../shared/cards'
import { blockCards } from './select'

const text = (k: Kernel): string => blockCards(k, [], []).map(cardText).join()

describe('memory blocks', () => {
  it('are a strip of four, each with its state and zone', () => {
    const k = bootCxl()
    expect(text(k.kernel)).toBe(
      'memory blocks; dax0.0; memory144 online Movable, memory145 online Movable, memory146 online Movable, memory147 online Movable; 128 MiB each',
    )
  })

  it('go offline over going-offline, isolated meanwhile, under the hotplug lock', () => {
    const k = bootCxl()
    const shell = k.task('root shell').begins(state_store, { block: 146, state: 'offline' })
    shell.runTo('scan')
    expect(text(k.kernel)).toContain('memory146 going-offline Movable isolated')
    expect(text(k.kernel)).toContain('device_hotplug_lock: root shell')
    shell.finishes()
    expect(text(k.kernel)).toContain('memory145 online Movable, memory146 offline, memory147')
  })

  it('are leaked, and said to be wrong, where their card was pulled', () => {
    const k = bootCxl()
    const pciehp = k.task('pciehp')
    pciehp.begins(pullCable, { memdev: 1 }).finishes()
    pciehp.begins(pciehp_unconfigure_device, { memdev: 1 }).finishes()
    const finding = onlineMeansDecoded.kind === 'always' && onlineMeansDecoded.broken(k.kernel)
    const [card] = blockCards(k.kernel, [], finding ? [finding] : [])
    expect(card?.tone).toBe('broken')
    expect(cardText(card as never)).toMatch(
      /^memory blocks; leaked; memory144 is online, and .*; of no device: claimed until the next reboot/,
    )
  })

  it('share a cell with those that are alike where they are many', () => {
    const { kernel } = bootCxl()
    kernel.memoryBlocks.fill(148, 400, { state: 'offline' })
    const cells = blockCards(kernel, [], []).flatMap(({ rows }) =>
      rows.flatMap((row) => (row.kind === 'cells' ? row.cells.map(({ title }) => title) : [])),
    )
    expect(cells).toEqual(['144…147', '148…399'])
  })

  it('are not drawn where there are none', () => {
    expect(text(bootCxl({ machine: { region: 'none' } }).kernel)).toBe('')
  })
})
