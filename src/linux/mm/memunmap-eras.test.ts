import { describe, expect, it } from 'vitest'
import { P3, type RemovalKernel } from '../../testing/removal-kernel'
import { bootF1, type TruncateKernel } from '../../testing/truncate-kernel'
import { unpin_user_pages } from './gup'
import { memunmap_pages } from './memremap'

const IDLE = '1 1 1 1 1 1 1 1'
const row = (k: RemovalKernel) => [k.pg, k.refs]
const isMapGone = (k: RemovalKernel) => !k.kernel.pages.has(P3)

/** The pgmap of pmem0 is taken away, P3 pinned by A with FOLL_GET, or idle. */
function begun(preset: string, pinned: boolean) {
  const k = bootF1(preset)
  if (pinned) k.gup('A', 'GET').finishes()
  const r = k.task('R').begins(memunmap_pages, { pgmap: 1 })
  return { k, r }
}
const unpin = (k: TruncateKernel) => k.task('A').begins(unpin_user_pages, { handle: 1 }).finishes()

describe('1.5: memunmap_pages() from 5.2 to 5.17', () => {
  it('1: the kill: 9→8, dying', () => {
    const { k, r } = begun('v5.12', false)
    expect(row(k)).toEqual(['live:9', IDLE])
    r.step()
    expect(row(k)).toEqual(['dying:8', IDLE])
  })

  it('2: put_page() of every page: idle 1→0 gives a pgmap reference back, pinned 2→1 none', () => {
    const { k, r } = begun('v5.12', true)
    r.runTo('put_pages').step()
    expect(row(k)).toEqual(['dying:1', '0 0 0 1 0 0 0 0'])
  })

  it('2: a truncate that waits for the pinned page is woken falsely: 1 looks idle', () => {
    const { k, r } = begun('v5.12', true)
    const t = k.truncate().runs()
    expect(t.reason).toContain('refcount 2 → 1')
    r.runTo('put_pages').step()
    expect([t.reason, k.ref(P3), k.kernel.pinHandles.rows().length]).toEqual(['', 1, 1])
  })

  it('3: waits until the pinned page’s last put drops the pgmap reference', () => {
    const { k, r } = begun('v5.12', true)
    expect(r.runs().next).toBe('wait_done')
    expect([r.reason, isMapGone(k)]).toEqual([
      'waits for pgmap->done: 1 reference is left; pages are pinned by A (FOLL_GET)',
      false,
    ])
    unpin(k)
    expect([k.pg, r.reason]).toEqual(['dead:0', ''])
  })

  it('4 and 5: struct pages freed, xarray erased', () => {
    const { k, r } = begun('v5.12', false)
    r.runTo('exit')
    expect([k.pg, isMapGone(k)]).toEqual(['dead:0', true])
    expect([r.finishes(), k.pg]).toEqual([0, 'exited'])
  })
})

describe.each(['v5.18', 'v6.1', 'v6.12', 'v6.17'])('1.5: memunmap_pages() in %s', (preset) => {
  it('1: the kill: 9→8, dying', () => {
    const { k, r } = begun(preset, false)
    r.step()
    expect(k.pg).toBe('dying:8')
  })

  it('2: 8→0 at once, and page refcounts are not touched', () => {
    const { k, r } = begun(preset, true)
    const before = k.refs
    r.runTo('put_pages').step()
    expect(row(k)).toEqual(['dying:0', before])
  })

  it('3: waits only for transient pgmap references, not for the pin', () => {
    const { k, r } = begun(preset, true)
    expect([r.finishes(), k.pg, isMapGone(k)]).toEqual([0, 'exited', true])
  })

  it('3: waits for who is inside gup', () => {
    const { k, r } = begun(preset, false)
    const a = k.gup('A', 'GET').runTo('try_grab')
    const isCounted = preset !== 'v6.17'
    expect(k.pg).toBe(isCounted ? 'live:10' : 'live:9')
    expect(r.runs().reason).not.toBe('')
    a.runTo('irqs_on').step()
    r.runs()
    expect(k.kernel.machine.isIdle(r.id)).toBe(true)
  })
})

describe.each(['v4.14', 'v5.1'])('1.5: up to 5.1, in %s', (preset) => {
  it('frees the memory map first, and waits then', () => {
    const { k, r } = begun(preset, true)
    r.runTo('remove_too_early')
    expect(row(k)).toEqual(['dying:1', '0 0 0 1 0 0 0 0'])
    expect([r.step().next, isMapGone(k), k.pg]).toEqual(['switch_to_atomic', true, 'dying:1'])
    expect(r.runs().reason).toBe(
      'waits for pgmap->done: 1 reference is left; pages are pinned by A (FOLL_GET)',
    )
    unpin(k)
    expect(k.logLines.some((line) => line.includes('unable to handle page fault'))).toBe(true)
    expect([r.reason === '', k.pg]).toEqual([false, 'dying:1'])
  })

  it('comes to its end where nothing is pinned', () => {
    const { k, r } = begun(preset, false)
    expect([r.finishes(), k.pg]).toEqual([0, 'exited'])
  })
})
