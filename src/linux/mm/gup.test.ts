import { describe, expect, it } from 'vitest'
import { bootTest, P0, vpnOf } from '../../testing/test-kernel'
import { __device_release_driver } from '../drivers/base/dd'
import { noPinWithoutPage } from '../invariants/no-pin-without-page'
import { get_user_pages_fast, pin_user_pages_fast, unpin_user_pages } from './gup'
import { userStore } from './user-access'

const boot = () => {
  const k = bootTest()
  const start = vpnOf(k, 'A')
  k.task('app').begins(userStore, { vpn: start, value: 0x11 }).finishes()
  return { k, start }
}

describe('get_user_pages of a DAX mapping', () => {
  it('adds 1024 for FOLL_PIN and 1 for FOLL_GET, and takes them off again', () => {
    const { k, start } = boot()
    k.expectPage(P0, { refcount: 1, mapcount: -1 })
    expect(
      k
        .task('app')
        .begins(pin_user_pages_fast, { start, pages: 1, write: 1, longterm: 0 })
        .finishes(),
    ).toBe(1)
    k.expectPage(P0, { refcount: 1025 })
    expect(
      k
        .task('app')
        .begins(get_user_pages_fast, { start, pages: 1, write: 1, longterm: 0 })
        .finishes(),
    ).toBe(1)
    k.expectPage(P0, { refcount: 1026 })
    for (const handle of [1, 2]) k.task('app').begins(unpin_user_pages, { handle }).finishes()
    k.expectPage(P0, { refcount: 1 })
  })

  it('pins 512 small pages under one PMD: each reads 1025', () => {
    const { k, start } = boot()
    expect(
      k
        .task('app')
        .begins(pin_user_pages_fast, { start, pages: 512, write: 1, longterm: 0 })
        .finishes(),
    ).toBe(512)
    expect(
      k.kernel.pages.runs(P0, P0 + 512).map(({ refcount, length }) => [refcount, length]),
    ).toEqual([[1025, 512]])
    expect(k.kernel.pgmaps.at(1).ref).toBe(196_609)
  })

  it('holds one pgmap reference while it works, and none afterwards', () => {
    const { k, start } = boot()
    const app = k
      .task('app')
      .begins(pin_user_pages_fast, { start, pages: 1, write: 1, longterm: 0 })
      .runTo('try_grab')
    expect(k.kernel.pgmaps.at(1).ref).toBe(196_610)
    app.finishes()
    expect(k.kernel.pgmaps.at(1).ref).toBe(196_609)
  })

  it('faults the page in the slow way where nothing is mapped', () => {
    const k = bootTest()
    const start = vpnOf(k, 'B')
    expect(
      k
        .task('app')
        .begins(pin_user_pages_fast, { start, pages: 2, write: 1, longterm: 0 })
        .finishes(),
    ).toBe(2)
    expect(k.kernel.pages.runs(P0 + 1025, P0 + 1027).map(({ refcount }) => refcount)).toEqual([
      1025,
    ])
  })

  it('refuses FOLL_LONGTERM on fs-dax with -EOPNOTSUPP, and an address that nothing maps with -EFAULT', () => {
    const { k, start } = boot()
    expect(
      k
        .task('app')
        .begins(pin_user_pages_fast, { start, pages: 1, write: 1, longterm: 1 })
        .finishes(),
    ).toBe(-95)
    expect(
      k
        .task('app')
        .begins(pin_user_pages_fast, { start: 1, pages: 1, write: 0, longterm: 0 })
        .finishes(),
    ).toBe(-14)
    expect(k.kernel.pinHandles.rows()).toHaveLength(0)
    k.expectPage(P0, { refcount: 1 })
  })
})

describe('gup-fast against the removal of the device (W14)', () => {
  it('bails out where the pgmap is killed between its read of the entry and its tryget', () => {
    const { k, start } = boot()
    const app = k
      .task('app')
      .begins(pin_user_pages_fast, { start, pages: 1, write: 0, longterm: 0 })
      .runTo('get_pgmap')
    k.task('shell').begins(__device_release_driver, { device: 1 }).runTo('put_pages')
    app.step()
    expect(app.next).toBe('irqs_on')
    k.expectPage(P0, { refcount: 1 })
  })

  it('delays the removal by its pgmap reference and interrupts; the pin itself is not awaited', () => {
    const { k, start } = boot()
    const shell = k.task('shell').begins(__device_release_driver, { device: 1 }).runTo('kill')
    const app = k
      .task('app')
      .begins(pin_user_pages_fast, { start, pages: 1, write: 0, longterm: 0 })
      .runTo('try_grab')
    shell.runs()
    expect(shell.reason).toBe('waits for a grace period: app is in gup-fast with interrupts off')
    app.finishes()
    expect(shell.finishes()).toBe(0)
    expect(k.broken(noPinWithoutPage)).toBe('pfn 0x60400, held by app, has no struct page any more')
    k.task('app').begins(unpin_user_pages, { handle: 1 }).finishes()
    const lines = k.kernel.log.rows().map(({ line }) => line)
    expect(lines.join('\n')).toContain('unable to handle page fault')
  })
})
