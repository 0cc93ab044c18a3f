import { describe, expect, it } from 'vitest'
import { acts, bootTwins, loads } from '../../testing/memory-acts'
import { bootMemory, type MemoryKernel, P, Q, sheet } from '../../testing/memory-kernel'
import { kernel_clone } from '../kernel/fork'
import { pin_user_pages_fast, unpin_user_pages } from './gup'
import { userStore } from './user-access'

const pinArgs = (k: MemoryKernel, write: number) => ({
  start: k.vpn,
  pages: 1,
  write,
  longterm: 0,
  force: 0,
})
describe('W16: KSM refuses a pinned page, merges an unpinned one (6.12)', () => {
  const K = Q

  /** `parent` has P pinned; `other` maps K, which has become a KSM page of the same contents. */
  const boot = () => {
    const k = bootTwins()
    acts.scan(k, 'other').finishes()
    sheet(k, P, K)('1 / 0 EL (pte1)', '1 / 0 L (pte1)')
    k.task('parent').begins(pin_user_pages_fast, pinArgs(k, 1)).finishes()
    return k
  }

  it('has the counters and holders of rows 0 to 2, the refusal', () => {
    const k = boot()
    const row = sheet(k, P, K)
    const ksmd = acts.scan(k, 'parent').runTo('clear_pte')
    row('1026 / 0 EL (pte1 pin1 ksmd1)', '2 / 0 L (pte1 ksmd1)')
    expect([k.entry('parent'), k.entry('other')]).toEqual(['P RW', 'Q RO'])
    ksmd.runTo('test_count')
    row('1026 / 0 EL (pte1 pin1 ksmd1)', '2 / 0 L (pte1 ksmd1)')
    expect(k.entry('parent')).toBe('none')
    ksmd.runTo('drop')
    row('1026 / 0 EL (pte1 pin1 ksmd1)', '2 / 0 L (pte1 ksmd1)')
    expect(k.entry('parent')).toBe('P RW')
    k.task('parent').begins(unpin_user_pages, { handle: 1 }).finishes()
    row('2 / 0 EL (pte1 ksmd1)', '2 / 0 L (pte1 ksmd1)')
    ksmd.finishes()
    row('1 / 0 EL (pte1)', '1 / 0 L (pte1)')
  })

  it('has the counters and holders of rows 3 to 7, the merge and the write', () => {
    const k = boot()
    const row = sheet(k, P, K)
    k.task('parent').begins(unpin_user_pages, { handle: 1 }).finishes()
    const ksmd = acts.scan(k, 'parent').runTo('clear_exclusive')
    row('2 / 0 EL (pte1 ksmd1)', '2 / 0 L (pte1 ksmd1)')
    ksmd.runTo('compare')
    row('2 / 0 L (pte1 ksmd1)', '2 / 0 L (pte1 ksmd1)')
    expect(k.entry('parent')).toBe('P RO')
    expect(k.pteBits('parent')).not.toContain('dirty')
    expect(k.pteBits('parent')).not.toContain('saved_dirty')
    ksmd.runTo('replace')
    row('2 / 0 L (pte1 ksmd1)', '3 / 1 L (pte2 ksmd1)')
    ksmd.runTo('unlock')
    row('1 / -1 L (ksmd1)', '3 / 1 L (pte2 ksmd1)')
    expect(k.entry('parent')).toBe('Q RO')
    ksmd.finishes()
    row('0 / -1 (–)', '2 / 1 L (pte2)')
    expect(loads(k, 'parent')).toBe(0x50)
    const owner = k.task('parent').begins(userStore, { vpn: k.vpn, value: 0x51 })
    owner.runTo('take_old')
    row('0 / -1 (–)', '2 / 1 L (pte2)')
    expect(k.kernel.stableNodes.rows().map(({ kpfn }) => kpfn)).toEqual([K])
    owner.finishes()
    expect([k.entry('parent'), k.entry('other')]).toEqual(['P RW', 'Q RO'])
    expect([loads(k, 'parent'), loads(k, 'other')]).toEqual([0x51, 0x50])
  })
})

describe('W20: ABA, a read-only gup-fast pin against clearing of E (5.19+)', () => {
  /**
   * The page of the table is Q here: a copy that an unshare fault made for `child`, so that it is
   * exclusive and its entry read-only and clean. Its twin P makes ksmd look at it.
   */
  const boot = (preset: string, tlbFlush: string) => {
    const k = bootMemory({ preset, policies: { tlbFlush } })
    acts.mergeable(k, 'parent').finishes()
    k.task('parent').begins(kernel_clone, { name: 'child' }).finishes()
    const child = k.task('child')
    child.begins(pin_user_pages_fast, pinArgs(k, 0)).finishes()
    child.begins(unpin_user_pages, { handle: 1 }).finishes()
    k.drain()
    const a = acts.scan(k, 'child').runTo('clear_pte')
    const row = sheet(k, Q)
    row('2 / 0 EL (pte1 ksmd1)')
    expect(k.entry('child')).toBe('Q RO')
    const pte = k.pteBits('child')
    const b = child.begins(pin_user_pages_fast, pinArgs(k, 0)).runTo('try_grab')
    row('2 / 0 EL (pte1 ksmd1)')
    expect(b.row.irqs_off).toBe(1)
    return { k, row, a, b, pte }
  }

  it.each(['v5.19', 'v6.12'])('has the counters and holders of every row in %s', (preset) => {
    const { k, row, a, b, pte } = boot(preset, 'broadcast')
    a.runTo('test_count')
    row('2 / 0 EL (pte1 ksmd1)')
    expect(k.entry('child')).toBe('none')
    a.runTo('clear_exclusive')
    row('2 / 0 EL (pte1 ksmd1)')
    a.runTo('write_pte')
    row('2 / 0 L (pte1 ksmd1)')
    a.runTo('compare')
    row('2 / 0 L (pte1 ksmd1)')
    expect([k.entry('child'), k.pteBits('child')]).toEqual(['Q RO', pte])
    b.runTo('add_bias')
    row('3 / 0 L (pte1 ksmd1 try1)')
    b.runTo('recheck')
    row('1026 / 0 L (pte1 ksmd1 pin1)')
    expect(k.pteBits('child')).toEqual(pte)
    b.runTo('put_pgmap')
    row('2 / 0 L (pte1 ksmd1)')
    b.runTo('slow')
    expect(k.kernel.pinHandles.rows().map(({ got }) => got)).toEqual([0])
    expect(b.finishes()).toBe(1)
    row('1 / -1 L (ksmd1)')
    expect(k.entry('child')).toBe('R RO')
  })

  it('refuses the merge where the pin comes before the entry is cleared (alt)', () => {
    const { k, row, a, b, pte } = boot('v6.12', 'broadcast')
    b.runTo('recheck')
    row('1026 / 0 EL (pte1 ksmd1 pin1)')
    a.runTo('drop')
    row('1026 / 0 EL (pte1 ksmd1 pin1)')
    expect([k.entry('child'), k.pteBits('child')]).toEqual(['Q RO', pte])
    expect(b.finishes()).toBe(1)
    row('1026 / 0 EL (pte1 ksmd1 pin1)')
    a.finishes()
    row('1025 / 0 EL (pte1 pin1)')
  })

  it('fails the second look harmlessly where the entry is none just then (alt)', () => {
    const { row, a, b } = boot('v6.12', 'broadcast')
    a.runTo('test_count')
    b.runTo('recheck')
    row('1026 / 0 EL (pte1 ksmd1 pin1)')
    a.runTo('give_up')
    b.runTo('put_pgmap')
    row('2 / 0 EL (pte1 ksmd1)')
    a.runTo('drop')
    expect(b.finishes()).toBe(1)
    row('1026 / 0 EL (pte1 ksmd1 pin1)')
  })

  it('cannot come to row 2 where the flush is by interrupt', () => {
    const { row, a, b } = boot('v6.12', 'ipi')
    expect(a.runs().reason).toBe(
      'waits for the TLB flush: child has interrupts off and takes no IPI',
    )
    expect(b.finishes()).toBe(1)
    a.runTo('drop')
    row('1026 / 0 EL (pte1 ksmd1 pin1)')
  })
})
