import { describe, expect, it } from 'vitest'
import { MemoryKernel, plain } from '../../testing/memory-kernel'
import { bootTest, P0, vpnOf } from '../../testing/test-kernel'
import { bio_endio, directRead } from '../fs/direct-io'
import { truncateArgs } from '../fs/shrink'
import { xfs_vn_setattr } from '../fs/xfs/xfs_file'
import { EOPNOTSUPP } from '../include/errno'
import { presets } from '../presets'
import { pin_user_pages_fast } from './gup'
import { userLoad, userStore } from './user-access'

/** The first page that area B maps, with entries of 4 KiB. */
const P = P0 + 1025
const PGMAP_REFS = 196_609
const DMA = 0xd1

/** Compares P with a row. The base reference up to 6.14 is nobody’s: page() does not list it. */
const sheet =
  (k: MemoryKernel, base: 0 | 1) =>
  (row: string): void => {
    const [before = '', holders = ''] = k.page(P).split('(')
    const listed = base === 0 ? holders : `base1 ${holders.replace('–', '')}`
    expect(plain(`${before}(${listed}`, row)).toBe(plain(row, row))
  }

const boot = (preset: string) => {
  const { policies = {} } = presets.find(({ name }) => name === preset) ?? {}
  return new MemoryKernel(bootTest(policies).kernel)
}
const vpn = (k: MemoryKernel) => vpnOf(k, 'B')
const store = (k: MemoryKernel) =>
  k.task('app').begins(userStore, { vpn: vpn(k), value: 0x11, offset: 512 })
const load = (k: MemoryKernel): number => {
  const app = k.task('app')
  app.begins(userLoad, { vpn: vpn(k), value: 0 }).finishes()
  return app.row.value
}
const truncate = (k: MemoryKernel) =>
  k.task('shell').begins(xfs_vn_setattr, truncateArgs(k.kernel, 1, 0))
const unpin = (k: MemoryKernel) =>
  k.task('shell 2').begins(bio_endio, { handle: 1, value: DMA }).finishes()

describe('W19: a short pin of an fs-dax page versus truncate', () => {
  it('has the counters and holders of rows 0 to 3, the pin, up to 6.14', () => {
    const k = boot('v6.12')
    const row = sheet(k, 1)
    const pgmap = k.kernel.pgmaps.at(1)
    row('1 / -1 V (base1)')
    store(k).finishes()
    row('1 / -1 V (base1)')
    expect(k.kernel.ptes.in(1).at(vpn(k)).pfn).toBe(P)
    expect(k.bits(vpn(k))).toEqual(expect.arrayContaining(['rw', 'special', 'devmap']))
    const app = k
      .task('app')
      .begins(directRead, { vpn: vpn(k), value: DMA })
      .runTo('get_pgmap')
    row('1 / -1 V (base1)')
    expect(pgmap.ref).toBe(PGMAP_REFS)
    app.runTo('add_bias')
    row('2 / -1 V (base1 try1)')
    expect(pgmap.ref).toBe(PGMAP_REFS + 1)
    app.runTo('recheck')
    row('1025 / -1 V (base1 pin1)')
    app.runTo('irqs_on')
    row('1025 / -1 V (base1 pin1)')
    expect(pgmap.ref).toBe(PGMAP_REFS)
    app.runs()
    row('1025 / -1 V (base1 pin1)')
  })

  it('has the counters and holders of rows 4 to 7, the truncate, up to 6.14', () => {
    const k = boot('v6.12')
    const row = sheet(k, 1)
    const inode = k.kernel.inodes.at(1)
    store(k).finishes()
    const app = k
      .task('app')
      .begins(directRead, { vpn: vpn(k), value: DMA })
      .runs()
    const fs = truncate(k).runTo('scan')
    row('1025 / -1 V (base1 pin1)')
    expect(k.bits(vpn(k))).toBeUndefined()
    expect([inode.iolock, inode.mmaplock]).toEqual([fs.id, fs.id])
    expect(fs.runs().next).toBe('sleep')
    expect(fs.reason).toContain('to be idle: refcount 1025 → 1; held by app (FOLL_PIN)')
    row('1025 / -1 V (base1 pin1)')
    expect([inode.iolock, inode.mmaplock]).toEqual([fs.id, 0])
    unpin(k)
    row('1 / -1 V (base1)')
    expect([fs.reason, app.finishes(), load(k)]).toEqual(['', 512, DMA])
    row('1 / -1 V (base1)')
    fs.runTo('free_blocks')
    expect(k.kernel.extents.in(1).has(1025)).toBe(true)
    fs.finishes()
    row('1 / -1 V (base1)')
    expect(k.kernel.extents.in(1).has(1025)).toBe(false)
  })

  it('refuses FOLL_LONGTERM', () => {
    const k = boot('v6.12')
    store(k).finishes()
    const args = { start: vpn(k), pages: 1, write: 1, longterm: 1, force: 0 }
    const app = k.task('app').begins(pin_user_pages_fast, args)
    expect(app.finishes()).toBe(-EOPNOTSUPP)
    sheet(k, 1)('1 / -1 V (base1)')
  })

  it('has the counters and holders of rows 0 to 3 from 6.15 on', () => {
    const k = boot('v6.15')
    const row = sheet(k, 0)
    row('0 / -1 V (–)')
    const app = store(k).runTo('insert_pte')
    row('1 / -1 V (tmp1)')
    app.step()
    row('2 / 0 V (pte1 tmp1)')
    app.finishes()
    row('1 / 0 V (pte1)')
    k.task('app')
      .begins(directRead, { vpn: vpn(k), value: DMA })
      .runTo('add_bias')
    row('2 / 0 V (pte1 try1)')
    expect(k.kernel.pgmaps.at(1).ref).toBe(PGMAP_REFS)
    app.runTo('recheck')
    row('1025 / 0 V (pte1 pin1)')
    app.runs()
    row('1025 / 0 V (pte1 pin1)')
  })

  it('has the counters and holders of rows 4 to 7 from 6.15 on', () => {
    const k = boot('v6.15')
    const row = sheet(k, 0)
    store(k).finishes()
    const app = k
      .task('app')
      .begins(directRead, { vpn: vpn(k), value: DMA })
      .runs()
    const fs = truncate(k).runTo('scan')
    row('1024 / -1 V (pin1)')
    expect(k.bits(vpn(k))).toBeUndefined()
    expect(fs.runs().reason).toContain('to be idle: refcount 1024 → 0; held by app (FOLL_PIN)')
    row('1024 / -1 V (pin1)')
    unpin(k)
    row('0 / -1 V (–)')
    expect([fs.reason, app.finishes()]).toEqual(['', 512])
    fs.finishes()
    row('0 / -1 V (–)')
    expect(k.kernel.extents.in(1).has(1025)).toBe(false)
  })

  it('maps the page with an ordinary entry from 6.15 on (row 2)', () => {
    const k = boot('v6.15')
    store(k).finishes()
    expect(k.bits(vpn(k))).toContain('rw')
    expect(k.bits(vpn(k))).not.toContain('special')
    expect(k.bits(vpn(k))).not.toContain('devmap')
  })
})
