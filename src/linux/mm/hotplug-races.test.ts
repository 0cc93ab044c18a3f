import { describe, expect, it } from 'vitest'
import { seedPageAt } from '../../scenarios/cxl-machine'
import { bootCxl, CxlKernel } from '../../testing/cxl-kernel'
import { explored } from '../../testing/explored'
import { state_store } from '../drivers/base/memory'
import { conservation } from '../invariants/conservation'
import { freeMeansUnreferenced } from '../invariants/free-means-unreferenced'
import { offlineReturns } from '../invariants/offline-returns'
import { do_send_sig_info } from '../kernel/signal'
import { pin_user_pages_fast, unpin_user_pages } from './gup'
import { userLoad, userStore } from './user-access'

/** Exact counts: a change of the engine that changes one is to be explained. */
const STATES = { store: 117, load: 117, pin: 383, longtermPin: 1218, unpinAndSignal: 114 }

const PAGE = 0x490001

const boot = (begin: (k: CxlKernel) => void, policies = {}) => {
  const k = bootCxl({
    policies,
    machine: {
      processes: [{ comm: 'A', pid: 100 }],
      admins: ['root shell', 'another shell'],
      devices: [],
      normal: { start: 0x12345, pages: 8 },
    },
  })
  seedPageAt(k.kernel, 'A', { pfn: PAGE, value: 0x50 })
  k.task('root shell').begins(state_store, { block: 146, state: 'offline' })
  begin(k)
  k.kernel.heap.arena.journal.length = 0
  return k.kernel
}
const vpn = (k: CxlKernel) => k.kernel.vmas.at(1).vm_start
const whole = (k: CxlKernel) => ({ start: vpn(k), pages: 1, write: 1, longterm: 0, force: 0 })
const pin = (k: CxlKernel) => k.task('A').begins(pin_user_pages_fast, whole(k))

describe('offlining a block with a page that somebody else migrates', () => {
  /** A takes a long-term pin; its page, in ZONE_MOVABLE, is off the LRU list and on A’s own. */
  const isolated = () => {
    const k = new CxlKernel(boot(() => undefined))
    const a = k.task('A').begins(pin_user_pages_fast, { ...whole(k), longterm: 1 })
    return { k, a: a.runTo('unpin'), shell: k.task('root shell') }
  }

  it('leaves the page alone, and waits for whoever has it', () => {
    const { k, a, shell } = isolated()
    shell.runTo('again')
    expect(k.kernel.gathered.in(shell.id).runs()).toEqual([])
    expect(k.broken(offlineReturns)).toBeUndefined()
    expect(a.finishes()).toBe(1)
    expect([shell.finishes(), k.blocks, k.broken(conservation)]).toEqual([
      0,
      'on on off on',
      undefined,
    ])
  })

  it('leaves a page that moved to who has taken a speculative reference of it', () => {
    const k = new CxlKernel(boot(() => undefined, { tlbFlush: 'broadcast' }))
    const a = k.task('A').begins(pin_user_pages_fast, whole(k)).runTo('try_grab')
    const shell = k.task('root shell').runTo('remap')
    a.step()
    shell.runTo('again')
    expect([k.kernel.freePages.has(PAGE), k.kernel.pages.at(PAGE).refcount]).toEqual([false, 1])
    expect([a.finishes(), shell.finishes(), k.broken(freeMeansUnreferenced)]).toEqual([
      1,
      0,
      undefined,
    ])
  })
})

describe('every interleaving of offlining block 146', () => {
  it.each([
    [
      'a store',
      (k: CxlKernel) => k.task('A').begins(userStore, { vpn: vpn(k), value: 7, offset: 0 }),
      STATES.store,
    ],
    [
      'a load',
      (k: CxlKernel) => k.task('A').begins(userLoad, { vpn: vpn(k), value: 0, offset: 0 }),
      STATES.load,
    ],
    ['a pin', (k: CxlKernel) => pin(k), STATES.pin],
    // Both migrate the page: whoever has isolated it moves it, and nobody else.
    [
      'a long-term pin',
      (k: CxlKernel) => k.task('A').begins(pin_user_pages_fast, { ...whole(k), longterm: 1 }),
      STATES.longtermPin,
    ],
    [
      'an unpin and a signal',
      (k: CxlKernel) => {
        pin(k).finishes()
        k.task('A').begins(unpin_user_pages, { handle: 1 })
        const target = k.task('root shell').id
        k.task('another shell').begins(do_send_sig_info, { target, signal: 'SIGINT' })
      },
      STATES.unpinAndSignal,
    ],
  ] as const)('with %s breaks no property', (_, begin, count) => {
    const { states, broken } = explored(boot((k) => void begin(k)))
    expect({ states, broken }).toEqual({ states: count, broken: {} })
  })
})
