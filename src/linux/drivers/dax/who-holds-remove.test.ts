import { describe, expect, it } from 'vitest'
import { bootCxl } from '../../../testing/cxl-kernel'
import { bootDevice, P3, type RemovalKernel } from '../../../testing/removal-kernel'
import { bootUntouched } from '../../../testing/truncate-kernel'
import { EOPNOTSUPP } from '../../include/errno'
import { pin_user_pages_fast, unpin_user_pages } from '../../mm/gup'
import { userLoad } from '../../mm/user-access'
import { __device_release_driver } from '../base/dd'
import { ib_umem_release } from '../infiniband/umem'
import { pmem_submit_bio } from '../nvdimm/pmem-bio'
import { dax_bus_remove } from './bus'
import { dev_dax_remove } from './device'

type Kind = 'fs-dax' | 'device-dax'
const E2 = 'v5.12'
const E3 = 'v6.12'
const E5 = 'v6.15'
const E6 = 'v6.17'

/** A has a page of the device mapped. */
function boot(kind: Kind, preset: string): RemovalKernel {
  const k = kind === 'fs-dax' ? bootUntouched(preset) : bootDevice(preset)
  k.load('A', userLoad)
  return k
}
const remove = (k: RemovalKernel) => {
  const isNode = k.kernel.namespaces.at(1).mode === 'devdax'
  return k.task('R').begins(isNode ? dev_dax_remove : __device_release_driver, { device: 1 })
}
const pin = (k: RemovalKernel) => {
  const args = { start: k.vpn('A'), pages: 1, write: 0, longterm: 0, force: 0 }
  return k.task('A').begins(pin_user_pages_fast, args)
}
const OOPS = /unable to handle page fault/

/** What remove() does while something is held, and what the release of that comes to. */
function effect(k: RemovalKernel, release: () => void) {
  const r = remove(k).runs()
  const waits = r.reason
  release()
  const ret = r.finishes()
  return { waits, ret, oops: k.logLines.some((line) => OOPS.test(line)) }
}
const clean = { ret: 0, oops: false }

describe('4.5, who can hold remove() up: a CPU’s entry', () => {
  it.each([
    ['fs-dax', 'E2', 'none', E2, 1],
    ['fs-dax', 'E3+', 'none', E3, 1],
    ['fs-dax', 'E5+', 'page ref but not awaited', E5, 1],
    ['device-dax', 'E2', 'none', E2, 1],
    ['device-dax', 'E3+', 'none', E3, 1],
    ['device-dax', 'E5+', 'page ref but not awaited', E5, 2],
  ] as const)('%s, %s: %s', (kind, _era, _cell, preset, refs) => {
    const k = boot(kind, preset)
    expect(k.ref(P3)).toBe(refs)
    expect(effect(k, () => undefined)).toEqual({ waits: '', ...clean })
  })
})

describe('4.5: a transient pgmap reference, inside gup', () => {
  it.each([
    ['fs-dax', 'E2', 'waits µs', E2, 'live:10'],
    ['fs-dax', 'E3+', 'waits µs', E3, 'live:10'],
    ['fs-dax', 'E6', 'none exist', E6, 'live:9'],
    ['device-dax', 'E2', 'waits µs', E2, 'live:10'],
    ['device-dax', 'E3+', 'waits µs', E3, 'live:10'],
    ['device-dax', 'E6', 'none exist', E6, 'live:9'],
  ] as const)('%s, %s: %s', (kind, _era, _cell, preset, pg) => {
    const k = boot(kind, preset)
    const a = pin(k).runTo('try_grab')
    expect(k.pg).toBe(pg)
    const r = remove(k).runs()
    expect(r.reason).toMatch(/^waits for (a grace period|the TLB flush|pgmap->done)/)
    a.runTo('irqs_on').step()
    // It has the page; or it goes on the slow way, which takes no reference of a pgmap that dies.
    if (k.kernel.machine.isIdle(a.id))
      k.task('A').begins(unpin_user_pages, { handle: 1 }).finishes()
    expect(r.finishes()).toBe(0)
  })
})

describe('4.5: a transient page pin, O_DIRECT', () => {
  const BY_A = 'waits for pgmap->done: 1 reference is left; pages are pinned by A (FOLL_PIN)'

  it.each([
    ['fs-dax', 'E2', 'waits until unpinned', E2, { waits: BY_A, ...clean }],
    ['device-dax', 'E2', 'waits until unpinned', E2, { waits: BY_A, ...clean }],
    [
      'fs-dax',
      'E3+',
      'not awaited, the unpin touches freed memmap',
      E3,
      { waits: '', ret: 0, oops: true },
    ],
    [
      'device-dax',
      'E3+',
      'not awaited, the unpin touches freed memmap',
      E3,
      { waits: '', ret: 0, oops: true },
    ],
  ] as const)('%s, %s: %s', (kind, _era, _cell, preset, found) => {
    const k = boot(kind, preset)
    expect(pin(k).finishes()).toBe(1)
    const unpin = () => void k.task('A').begins(unpin_user_pages, { handle: 1 }).finishes()
    expect(effect(k, unpin)).toEqual(found)
  })
})

describe('4.5: FOLL_LONGTERM, an RDMA region', () => {
  it.each([E2, E3, E5])('fs-dax, %s: refused with -EOPNOTSUPP', (preset) => {
    expect(boot('fs-dax', preset).registers('A').finishes()).toBe(-EOPNOTSUPP)
  })

  it.each([
    [
      'E2',
      'hangs until deregistered',
      E2,
      {
        waits:
          'waits for pgmap->done: 1 reference is left; pages are pinned by A (FOLL_PIN|FOLL_LONGTERM, RDMA region)',
        ...clean,
      },
    ],
    ['E3+', 'not awaited, oops in unpin', E3, { waits: '', ret: 0, oops: true }],
  ] as const)('device-dax, %s: allowed, %s', (_era, _cell, preset, found) => {
    const k = boot('device-dax', preset)
    expect(k.registers('A').finishes()).toBe(1)
    const release = () => void k.task('A').begins(ib_umem_release, { handle: 1 }).finishes()
    expect(effect(k, release)).toEqual(found)
  })
})

describe('4.5: a bio in flight to the pmem disk', () => {
  it.each([
    [
      'E2',
      'waits (queue ref)',
      E2,
      'memunmap_pages.wait_done',
      'waits for pgmap->done: 1 reference is left',
    ],
    ['E3+', 'waits in del_gendisk', E3, 'del_gendisk.freeze_wait', 'waits for 1 bios in flight'],
  ] as const)('fs-dax, %s: %s', (_era, _cell, preset, where, reason) => {
    const k = boot('fs-dax', preset)
    const bio = k.task('T').begins(pmem_submit_bio, { device: 1 }).runTo('end')
    const r = remove(k).runs()
    expect([k.kernel.machine.stepName(r.id), r.reason]).toEqual([where, reason])
    expect([bio.finishes(), r.finishes()]).toEqual([0, 0])
  })

  it('device-dax: there is no disk', () => {
    const k = boot('device-dax', E3)
    const operation = k.kernel.machine.operations.find(({ name }) => name === 'pmem_submit_bio')
    expect(operation?.start?.refuse?.(k.kernel, { device: 1 }, 1)).toBe('There is no disk.')
  })
})

describe('4.5: kmem with a block online', () => {
  it.each([
    ['E2', 'no wait: leak', E2],
    ['E3+', 'leak', E3],
  ])('%s: %s', (_era, _cell, preset) => {
    const k = bootCxl({ preset })
    const r = k.task('root shell').begins(dax_bus_remove, { dax: 1 })
    expect(r.finishes()).toBe(0)
    expect([k.dax, k.blocks, k.underWindow]).toEqual([
      'none',
      'on on on on',
      'region0>dax0.0>System RAM (kmem)',
    ])
  })
})
