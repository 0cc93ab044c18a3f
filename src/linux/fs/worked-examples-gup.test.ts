import { describe, expect, it } from 'vitest'
import { withMutation } from '../../testing/mutate'
import { bootDevice, P3, type RemovalKernel } from '../../testing/removal-kernel'
import { bootF1, type TruncateKernel } from '../../testing/truncate-kernel'
import { __device_release_driver } from '../drivers/base/dd'
import { dev_dax_remove } from '../drivers/dax/device'
import { EFAULT, EINTR } from '../include/errno'
import { noPinWithoutPage } from '../invariants/no-pin-without-page'
import { do_send_sig_info } from '../kernel/signal'
import { get_user_pages_fast, unpin_user_pages } from '../mm/gup'
import { memunmap_pages } from '../mm/memremap'
import { userLoad } from '../mm/user-access'

const S1 = 'A maps pfn 0x480203, which has no struct page any more'
const S3 = (who: string) => `pfn 0x480203, held by ${who}, has no struct page any more`
const TOUCHED = [
  'BUG: unable to handle page fault for address ffffea00120080c8 (a struct page that no longer exists)',
  'RIP: try_get_folio',
  'Call Trace: gup_fast_pte_range',
]
const DEAF = 'waits for a grace period: A is in gup-fast with interrupts off'

/** Columns pg, ref and memmap. */
function row(k: RemovalKernel): [pg: string, ref: number | '–', memmap: 'valid' | 'freed'] {
  const isThere = k.kernel.pages.has(P3)
  return [k.pg, isThere ? k.ref(P3) : '–', isThere ? 'valid' : 'freed']
}

/** G: a reference for reading, for the sync of the unbind has made the entry read-only. */
const read = (k: RemovalKernel, who = 'A') => {
  const args = { start: k.vpn(who), pages: 1, write: 0, longterm: 0, force: 0 }
  return k.task(who).begins(get_user_pages_fast, args)
}
const unbind = (k: TruncateKernel) =>
  k.task('R').begins(__device_release_driver, { device: 1 }).runTo('kill')
const unpin = (k: RemovalKernel) => k.task('A').begins(unpin_user_pages, { handle: 1 }).finishes()

describe('W14: the pgmap reference does its job, and nobody zaps', () => {
  it('has the numbers of every row: G never touches P3, and its slow path goes round for ever', () => {
    const k = bootF1('v6.12')
    const r = unbind(k)
    const g = read(k).runTo('get_pgmap')
    expect([...row(k), g.row.irqs_off, k.pte('A')]).toEqual(['live:9', 1, 'valid', 1, 'P3 ro'])
    r.step()
    expect(row(k)).toEqual(['dying:8', 1, 'valid'])
    g.step()
    expect([g.next, ...row(k)]).toEqual(['irqs_on', 'dying:8', 1, 'valid'])
    r.step()
    expect([...row(k), r.reason]).toEqual(['dying:0', 1, 'valid', DEAF])
    g.step()
    expect([g.row.irqs_off, r.reason]).toEqual([0, ''])
    r.step()
    expect(row(k)).toEqual(['dead:0', 1, 'valid'])
    expect([r.finishes(), ...row(k)]).toEqual([0, 'exited', '–', 'freed'])
    expect([k.pte('A'), k.s1]).toEqual(['P3 ro', S1])
    for (let round = 0; round < 3; round++) {
      g.runTo('after_fault').runTo('follow')
      expect([k.kernel.pinHandles.at(1).got, k.pte('A'), g.reason]).toEqual([0, 'P3 ro', ''])
    }
    expect([k.broken(noPinWithoutPage), k.logLines.slice(1)]).toEqual([undefined, []])
    const kill = { target: g.id, signal: 'SIGKILL' }
    k.task('C').begins(do_send_sig_info, kill).finishes()
    expect([g.finishes(), k.kernel.pinHandles.rows()]).toEqual([-EINTR, []])
  })

  it('frees P3 under the reference in the other order from 5.18 on (S3)', () => {
    const k = bootF1('v6.12')
    const r = unbind(k)
    const g = read(k).runTo('try_grab')
    expect(row(k)).toEqual(['live:10', 1, 'valid'])
    r.step()
    expect(row(k)).toEqual(['dying:9', 1, 'valid'])
    r.step()
    expect([...row(k), r.reason]).toEqual(['dying:1', 1, 'valid', DEAF])
    g.step()
    expect(row(k)).toEqual(['dying:1', 2, 'valid'])
    g.runTo('put_pgmap').step()
    expect([...row(k), r.reason]).toEqual(['dying:0', 2, 'valid', DEAF])
    expect(g.finishes()).toBe(1)
    r.step()
    expect(row(k)).toEqual(['dead:0', 2, 'valid'])
    expect([r.finishes(), ...row(k)]).toEqual([0, 'exited', '–', 'freed'])
    expect(k.broken(noPinWithoutPage)).toBe(S3('A'))
  })

  it('is safe in the other order from 5.2 to 5.17: P3’s own put keeps the pgmap at 1', () => {
    const k = bootF1('v5.14')
    const r = unbind(k)
    const g = read(k).runTo('try_grab')
    r.step()
    g.step()
    expect(row(k)).toEqual(['dying:9', 2, 'valid'])
    r.step()
    expect([...row(k), k.refs]).toEqual(['dying:2', 1, 'valid', '0 0 0 1 0 0 0 0'])
    expect(g.finishes()).toBe(1)
    expect(row(k)).toEqual(['dying:1', 1, 'valid'])
    expect(r.runs().reason).toBe(
      'waits for pgmap->done: 1 reference is left; pages are pinned by A (FOLL_GET)',
    )
    unpin(k)
    expect([...row(k), r.reason]).toEqual(['dead:0', 0, 'valid', ''])
    expect([r.finishes(), ...row(k)]).toEqual([0, 'exited', '–', 'freed'])
    expect(k.broken(noPinWithoutPage)).toBeUndefined()
  })
})

describe('W15: no pgmap reference, and no zap', () => {
  const boot = () => bootF1('v6.12', { policies: { gupPgmap: 'none' }, mappers: ['A', 'B'] })

  it('has the numbers of every row: G holds what nobody awaits (S3)', () => {
    const k = boot()
    k.touch('B')
    const r = unbind(k)
    const g = read(k).runTo('try_grab')
    expect([...row(k), k.pte('A')]).toEqual(['live:9', 1, 'valid', 'P3 ro'])
    r.step()
    expect(row(k)).toEqual(['dying:8', 1, 'valid'])
    r.step()
    expect([...row(k), r.reason]).toEqual(['dying:0', 1, 'valid', DEAF])
    g.runTo('irqs_on')
    expect([...row(k), r.reason]).toEqual(['dying:0', 2, 'valid', DEAF])
    expect([g.finishes(), r.reason]).toEqual([1, ''])
    r.step()
    expect(row(k)).toEqual(['dead:0', 2, 'valid'])
    expect([r.finishes(), ...row(k), k.pte('A')]).toEqual([...[0, 'exited', '–', 'freed'], 'P3 ro'])
    expect([k.broken(noPinWithoutPage), k.s1]).toEqual([S3('A'), S1])
    const later = read(k, 'B').runTo('try_grab')
    expect([k.pte('B'), later.row.irqs_off]).toEqual(['P3 ro', 1])
    later.step()
    expect([...row(k), ...k.logLines.slice(-3)]).toEqual(['exited', '–', 'freed', ...TOUCHED])
  })

  it('oopses on the slow path too, and gives up', () => {
    const k = boot()
    k.touch('B')
    unbind(k).finishes()
    const g = read(k, 'B')
    expect(g.finishes()).toBeLessThan(0)
    expect(k.logLines.slice(-2)).toEqual(['RIP: try_grab_folio', 'Call Trace: follow_page_pte'])
  })

  it('lets a later G bail out where it takes the pgmap reference', () => {
    const k = bootF1('v6.12')
    unbind(k).finishes()
    const lines = k.logLines
    const g = read(k).runTo('get_pgmap').step()
    expect([g.next, k.pte('A'), k.logLines]).toEqual(['irqs_on', 'P3 ro', lines])
  })
})

describe('W16: no pgmap reference, and entries that are sure to be cleared', () => {
  const boot = (preset: string, tlbFlush = 'ipi') => {
    const k = bootDevice(preset, { policies: { gupPgmap: 'none', tlbFlush } })
    expect(k.load('A', userLoad)).toBe('0x0')
    return k
  }
  const remove = (k: RemovalKernel) => k.task('R').begins(dev_dax_remove, { device: 1 })

  it('a: the zap comes between the two looks at the entry, and G bails out', () => {
    const k = boot('v6.12')
    const g = read(k).runTo('try_grab')
    const r = remove(k).runTo('unmap').step()
    expect([...row(k), k.pte('A')]).toEqual(['live:9', 1, 'valid', 'none'])
    g.runTo('recheck')
    expect(row(k)).toEqual(['live:9', 2, 'valid'])
    g.step()
    expect([...row(k), g.next]).toEqual(['live:9', 1, 'valid', 'put_pgmap'])
    expect(g.finishes()).toBe(-EFAULT)
    r.runTo('kill').step()
    expect(row(k)).toEqual(['dying:8', 1, 'valid'])
    r.step()
    expect(row(k)).toEqual(['dying:0', 1, 'valid'])
    expect([r.finishes(), ...row(k), k.s1]).toEqual([0, 'exited', '–', 'freed', 'holds'])
    expect([k.broken(noPinWithoutPage), k.logLines]).toEqual([undefined, []])
  })

  it('b: G is done first, and the removal waits for it from 5.2 to 5.17', () => {
    const k = boot('v5.14')
    expect(read(k).finishes()).toBe(1)
    expect(row(k)).toEqual(['live:9', 2, 'valid'])
    const r = remove(k).runTo('unmap').step()
    expect(k.pte('A')).toBe('none')
    r.runTo('kill').step()
    expect(row(k)).toEqual(['dying:8', 2, 'valid'])
    r.step()
    expect([...row(k), k.refs]).toEqual(['dying:1', 1, 'valid', '0 0 0 1 0 0 0 0'])
    expect(r.runs().reason).toContain('1 reference is left; pages are pinned by A (FOLL_GET)')
    unpin(k)
    expect(row(k)).toEqual(['dead:0', 0, 'valid'])
    expect([r.finishes(), ...row(k)]).toEqual([0, 'exited', '–', 'freed'])
  })

  it('b: from 5.18 on it does not, and the memory map goes with ref 2 (S3)', () => {
    const k = boot('v6.12')
    expect(read(k).finishes()).toBe(1)
    const r = remove(k).runTo('kill').step()
    expect(row(k)).toEqual(['dying:8', 2, 'valid'])
    r.step()
    expect(row(k)).toEqual(['dying:0', 2, 'valid'])
    r.runTo('remove_memory')
    expect(row(k)).toEqual(['dead:0', 2, 'valid'])
    expect([r.finishes(), ...row(k)]).toEqual([0, 'exited', '–', 'freed'])
    expect([k.broken(noPinWithoutPage), k.s1]).toEqual([S3('A'), 'holds'])
  })

  it('c: without an interrupt and without a grace period G touches a freed page (S3)', () => {
    const k = boot('v6.12', 'broadcast')
    const g = read(k).runTo('try_grab')
    withMutation(
      memunmap_pages,
      'put_pages',
      (kernel, t, original) => {
        original(kernel, t)
        return 'remove_memory'
      },
      () => expect(remove(k).finishes()).toBe(0),
    )
    expect([...row(k), k.pte('A'), g.row.irqs_off]).toEqual(['exited', '–', 'freed', 'none', 1])
    g.step()
    expect(k.logLines).toEqual(TOUCHED)
  })

  it('up to 5.1, without an interrupt, the struct page may go between any two looks at it: G gives up', () => {
    for (const step of ['recheck', 'record']) {
      const k = boot('v5.1', 'broadcast')
      const g = read(k).runTo(step)
      remove(k).runTo('switch_to_atomic')
      g.step()
      expect([g.next, k.kernel.pinHandles.at(1).got]).toEqual(['put_pgmap', 0])
      expect(k.logLines.at(-1)).toBe('Call Trace: gup_fast_pte_range')
    }
  })

  it('c: is cured by the interrupt of the flush, which comes before the kill', () => {
    const k = boot('v6.12')
    const g = read(k).runTo('try_grab')
    const r = remove(k).runs()
    const waits = 'waits for the TLB flush: A has interrupts off and takes no IPI'
    expect([...row(k), k.pte('A'), r.reason]).toEqual(['live:9', 1, 'valid', 'none', waits])
    expect([g.finishes(), r.finishes(), k.logLines]).toEqual([-EFAULT, 0, []])
  })

  it('c: is cured by the grace period between the zap and the free', () => {
    const k = boot('v6.12', 'broadcast')
    const g = read(k).runTo('try_grab')
    const r = remove(k).runs()
    expect([...row(k), k.pte('A'), r.reason]).toEqual(['dying:0', 1, 'valid', 'none', DEAF])
    expect([g.finishes(), r.finishes(), k.logLines]).toEqual([-EFAULT, 0, []])
  })
})
