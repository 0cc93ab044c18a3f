import { describe, expect, it } from 'vitest'
import { bootDevice, P3, type RemovalKernel } from '../../testing/removal-kernel'
import { bootTest, P0, vpnOf } from '../../testing/test-kernel'
import { bootF1, bootUntouched } from '../../testing/truncate-kernel'
import { get_user_pages_fast, pin_user_pages_fast, unpin_user_pages } from './gup'
import { folio_put } from './swap'
import { userLoad, userStore } from './user-access'

const page = (k: RemovalKernel, pfn = P3) => {
  const { refcount, mapcount } = k.kernel.pages.at(pfn)
  return [refcount, mapcount + 1]
}
const gup = (k: RemovalKernel, by: { readonly name: string }, pages = 1) => {
  const args = { start: k.vpn('A'), pages, write: 0, longterm: 0, force: 0 }
  return k.task('A').begins(by, args)
}

describe('1.7, the refcount ledger of FS_DAX, E1 to E4 and E5+', () => {
  it.each([
    ['v5.1', 1],
    ['v5.12', 1],
    ['v6.1', 1],
    ['v6.12', 1],
    ['v6.15', 0],
    ['v6.17', 0],
  ])('init: idle is that of the era: %s, %i', (preset, idle) => {
    expect(page(bootUntouched(preset))).toEqual([idle, 0])
  })

  it.each([
    ['v5.1', [1, 0], [1, 0], [1, 0]],
    ['v6.12', [1, 0], [1, 0], [1, 0]],
    ['v6.15', [1, 0], [2, 1], [1, 1]],
    ['v6.17', [1, 0], [2, 1], [1, 1]],
  ])('an entry is made, %s: temp +1, map +1, temp −1: net 0, or +1', (preset, temp, map, net) => {
    const k = bootUntouched(preset)
    const a = k
      .task('A')
      .begins(userStore, { vpn: k.vpn('A'), value: 1 })
      .runTo('insert_pte')
    expect(page(k)).toEqual(temp)
    a.step()
    expect(page(k)).toEqual(map)
    a.finishes()
    expect(page(k)).toEqual(net)
  })

  it.each([
    ['v5.1', 1, 2, 2],
    ['v5.12', 1, 2, 1025],
    ['v6.12', 1, 2, 1025],
    ['v6.15', 1, 2, 1025],
  ])('FOLL_GET +1, FOLL_PIN +1024: %s, from %i to %i and to %i', (preset, mapped, got, pinned) => {
    const counts = (by: { readonly name: string }) => {
      const k = bootF1(preset)
      expect(page(k)[0]).toBe(mapped)
      gup(k, by).finishes()
      return page(k)[0]
    }
    expect([counts(get_user_pages_fast), counts(pin_user_pages_fast)]).toEqual([got, pinned])
  })

  it.each([
    ['v6.12', 1025, 'refcount 1025 → 1', 1],
    ['v6.15', 1024, 'refcount 1024 → 0', 0],
  ])('the last put that makes it idle wakes the truncate: %s', (preset, held, waits, idle) => {
    const k = bootF1(preset)
    gup(k, pin_user_pages_fast).finishes()
    const t = k.truncate().runs()
    // The test runs after the unmap, so that refcount − mapcount is the refcount.
    expect([page(k), t.reason.includes(waits)]).toEqual([[held, 0], true])
    k.task('A').begins(unpin_user_pages, { handle: 1 }).finishes()
    expect([page(k), t.reason, k.kernel.pages.at(P3).mapping]).toEqual([[idle, 0], '', 1])
  })

  it('a page under a PMD stays order-0 up to 6.14: 512 pinned are 512 times 1025', () => {
    const k = bootTest()
    const vpn = vpnOf(k, 'A')
    k.task('app').begins(userStore, { vpn, value: 1 }).finishes()
    const args = { start: vpn, pages: 512, write: 1, longterm: 0, force: 0 }
    expect(k.task('app').begins(pin_user_pages_fast, args).finishes()).toBe(512)
    const [run] = k.kernel.pages.runs(P0, P0 + 512)
    expect([run?.refcount, run?.mapcount, run?.length]).toEqual([1025, -1, 512])
    expect(k.kernel.folios.has(P0)).toBe(false)
  })
})

describe('1.7, GENERIC', () => {
  it.each([
    ['v6.12', 1, 1],
    ['v6.15', 1, 2],
  ])('init and an entry: %s, %i and %i', (preset, idle, mapped) => {
    const k = bootDevice(preset)
    expect(page(k)[0]).toBe(idle)
    k.load('A', userLoad)
    expect(page(k)[0]).toBe(mapped)
  })

  it('2→1 does nothing else', () => {
    const k = bootDevice('v6.12')
    k.load('A', userLoad)
    gup(k, get_user_pages_fast).finishes()
    expect(page(k)[0]).toBe(2)
    k.task('A').begins(unpin_user_pages, { handle: 1 }).finishes()
    expect([page(k)[0], k.pg]).toEqual([1, 'live:9'])
    expect(k.logLines).toEqual([])
  })

  it('0 is 1 again from 6.15 on', () => {
    const k = bootDevice('v6.15')
    folio_put(k.kernel, P3)
    expect(page(k)[0]).toBe(1)
  })

  it('at 2 MiB it is one order-9 folio: 512 pages pinned are head 513, pincount 512, tails 0', () => {
    const k = bootDevice('v6.12', { align: 512 })
    k.load('A', userLoad)
    const head = P3 - 3
    const args = { start: k.vpn('A') - 3, pages: 512, write: 0, longterm: 0, force: 0 }
    expect(k.task('A').begins(pin_user_pages_fast, args).finishes()).toBe(512)
    expect([k.ref(head), k.kernel.folios.at(head).pincount]).toEqual([513, 512])
    const tails = k.kernel.pages.runs(head + 1, head + 512)
    expect(tails.map(({ refcount, mapcount, length }) => [refcount, mapcount, length])).toEqual([
      [0, -1, 511],
    ])
  })
})
