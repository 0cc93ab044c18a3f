import { describe, expect, it } from 'vitest'
import { bootTest, P0, vpnOf } from '../../../testing/test-kernel'
import { proc_iomem } from '../../fs/proc/iomem'
import { IORESOURCE } from '../../include/ioport'
import { noPteToDeadPgmap } from '../../invariants/no-pte-to-dead-pgmap'
import { IOMEM_RESOURCE } from '../../kernel/resource-tree'
import { userLoad, userStore } from '../../mm/user-access'
import { __device_release_driver } from '../base/dd'
import { pmem_attach_disk } from './pmem'

const boot = (filesystem = 'xfs') => {
  const k = bootTest({ filesystem })
  for (const label of ['A', 'B'])
    k.task('app')
      .begins(userStore, { vpn: vpnOf(k, label), value: 0x12 })
      .finishes()
  return k
}
const device = { device: 1 }

describe('the unbind of the pmem driver under a mounted file system (W18, W21)', () => {
  it.each(['xfs', 'ext4'])(
    'leaves read-only entries behind on %s, and a load through them succeeds',
    (filesystem) => {
      const k = boot(filesystem)
      expect(k.broken(noPteToDeadPgmap)).toBeUndefined()
      expect(k.task('shell').begins(__device_release_driver, device).finishes()).toBe(0)
      expect(k.bits(vpnOf(k, 'A'))).toEqual([
        'present',
        'user',
        'accessed',
        'pse',
        'soft_dirty',
        'devmap',
        'nx',
      ])
      expect(k.bits(vpnOf(k, 'B'))).toEqual([
        'present',
        'user',
        'accessed',
        'special',
        'soft_dirty',
        'devmap',
        'nx',
      ])
      expect(k.kernel.pages.has(P0)).toBe(false)
      expect(k.broken(noPteToDeadPgmap)).toBe(
        'app maps pfn 0x60400, which has no struct page any more',
      )
      k.task('app')
        .begins(userLoad, { vpn: vpnOf(k, 'B'), value: 0 })
        .finishes()
      expect([k.task('app').row.signal, k.task('app').row.value]).toEqual(['none', 0x12])
    },
  )

  it('counts the pgmap reference down: 196609, 196608 dying, 0 dead', () => {
    const k = boot()
    const { kernel } = k
    const shell = k.task('shell').begins(__device_release_driver, device).runTo('kill')
    const state = () => [kernel.pgmaps.at(1).state, kernel.pgmaps.at(1).ref]
    expect(state()).toEqual(['live', 196_609])
    shell.step()
    expect(state()).toEqual(['dying', 196_608])
    shell.step()
    expect(state()).toEqual(['dying', 0])
    shell.step()
    expect(state()).toEqual(['dead', 0])
    shell.finishes()
    expect(state()).toEqual(['exited', 0])
  })

  it('ends a store in SIGBUS; a PMD is split by it and gone, a PTE stays', () => {
    const k = boot()
    k.task('shell').begins(__device_release_driver, device).finishes()
    for (const label of ['A', 'B']) {
      k.task('app')
        .begins(userStore, { vpn: vpnOf(k, label), value: 0x33 })
        .finishes()
      expect([k.task('app').row.signal, k.task('app').row.si_code]).toEqual([
        'SIGBUS',
        'BUS_ADRERR',
      ])
    }
    expect(k.bits(vpnOf(k, 'A'))).toBeUndefined()
    expect(k.bits(vpnOf(k, 'B'))).toContain('present')
  })

  it('takes the namespace out of /proc/iomem, and a bind brings it back', () => {
    const k = boot()
    const line = '  60000000-8fffffff : namespace0.0\n'
    expect(proc_iomem(k.kernel)).toContain(line)
    k.task('shell').begins(__device_release_driver, device).finishes()
    expect(proc_iomem(k.kernel)).not.toContain(line)
    expect(k.task('shell').begins(pmem_attach_disk, device).finishes()).toBe(0)
    expect(proc_iomem(k.kernel)).toContain(line)
    k.expectPage(P0, { refcount: 1 })
  })

  it('still breaks the property after a bind: the entry is of the earlier binding', () => {
    const k = boot()
    k.task('shell').begins(__device_release_driver, device).finishes()
    k.task('shell').begins(pmem_attach_disk, device).finishes()
    expect(k.broken(noPteToDeadPgmap)).toBe(
      'app maps pfn 0x60400 of an earlier binding of the device',
    )
  })

  it('lets a second unbind wait for the first, and find nothing to do', () => {
    const k = boot()
    k.task('shell').begins(__device_release_driver, device).runTo('notify')
    const second = k.task('shell 2').begins(__device_release_driver, device).runs()
    expect(second.reason).toBe('waits for device_lock of namespace0.0, which shell holds')
    k.task('shell').finishes()
    expect(second.finishes()).toBe(-19)
  })

  it('fails to bind where somebody else has claimed the range', () => {
    const k = boot()
    k.task('shell').begins(__device_release_driver, device).finishes()
    const claim = k.kernel.machine.operations.find(({ name }) => name === '__request_region')
    const args = { parent: 1, start: 0x60000000, end: 0x8fffffff, name: 'stranger', flags: 0 }
    k.task('shell')
      .begins(claim ?? { name: '' }, args)
      .finishes()
    expect(k.task('shell').begins(pmem_attach_disk, device).finishes()).toBe(-16)
    expect(k.kernel.namespaces.at(1).device_lock).toBe(0)
  })

  it('fails to bind over System RAM: no struct pages, and the claim goes back', () => {
    const k = boot()
    k.task('shell').begins(__device_release_driver, device).finishes()
    const flags = IORESOURCE.mem | IORESOURCE.sysram
    k.kernel.resources.make({
      name: 'System RAM',
      start: 0x6000_0000,
      end: 0x6fff_ffff,
      flags,
      parent: IOMEM_RESOURCE,
    })
    expect(k.task('shell').begins(pmem_attach_disk, device).finishes()).toBe(-6)
    expect(proc_iomem(k.kernel)).not.toContain('namespace0.0')
    const { driver, device_lock, resource } = k.kernel.namespaces.at(1)
    expect([driver, device_lock, resource]).toEqual(['none', 0, 0])
    expect([k.kernel.pages.has(P0), k.kernel.pgmapArray.has(P0)]).toEqual([false, false])
  })
})
