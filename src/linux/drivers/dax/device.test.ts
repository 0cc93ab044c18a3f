import { describe, expect, it } from 'vitest'
import { bootDevice } from '../../../testing/removal-kernel'
import { ENXIO } from '../../include/errno'
import { IORESOURCE } from '../../include/ioport'
import { IOMEM_RESOURCE } from '../../kernel/resource-tree'
import { dev_dax_attach, dev_dax_remove } from './device'

const device = { device: 1 }

describe('the bind of device_dax', () => {
  it.each([
    [1, 'live:9'],
    [512, 'live:9'],
  ] as const)('counts a reference for each folio: eight of %i pages are %s', (align, pg) => {
    expect(bootDevice('v6.12', { align }).pg).toBe(pg)
  })

  it('fails over System RAM, and the claim goes back', () => {
    const k = bootDevice('v6.12')
    const r = k.task('R').begins(dev_dax_remove, device)
    r.finishes()
    const flags = IORESOURCE.mem | IORESOURCE.sysram
    const range = { start: 0x480000000, end: 0x4ffffffff }
    k.kernel.resources.make({ name: 'System RAM', ...range, flags, parent: IOMEM_RESOURCE })
    expect(k.task('R').begins(dev_dax_attach, device).finishes()).toBe(-ENXIO)
    const { driver, resource } = k.kernel.namespaces.at(1)
    expect([driver, resource, k.pg]).toEqual(['none', 0, 'exited'])
    expect(k.kernel.resources.find(({ name }) => name === 'dax0.0')).toBeUndefined()
  })
})
