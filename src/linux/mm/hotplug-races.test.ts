import { describe, expect, it } from 'vitest'
import { explore } from '../../checker/explore'
import { seedPageAt } from '../../scenarios/cxl-machine'
import { bootCxl, type CxlKernel } from '../../testing/cxl-kernel'
import { state_store } from '../drivers/base/memory'
import { do_send_sig_info } from '../kernel/signal'
import { pin_user_pages_fast, unpin_user_pages } from './gup'
import { userLoad, userStore } from './user-access'

/** Exact counts: a change of the engine that changes one is to be explained. */
const STATES = { store: 117, load: 117, pin: 383, unpinAndSignal: 114 }

const boot = (begin: (k: CxlKernel) => void) => {
  const k = bootCxl({
    machine: {
      processes: [{ comm: 'A', pid: 100 }],
      admins: ['root shell', 'another shell'],
      devices: [],
      normal: { start: 0x12345, pages: 8 },
    },
  })
  seedPageAt(k.kernel, 'A', { pfn: 0x490001, value: 0x50 })
  k.task('root shell').begins(state_store, { block: 146, state: 'offline' })
  begin(k)
  k.kernel.heap.arena.journal.length = 0
  return k.kernel
}
const vpn = (k: CxlKernel) => k.kernel.vmas.at(1).vm_start
const pin = (k: CxlKernel) => {
  const args = { start: vpn(k), pages: 1, write: 1, longterm: 0, force: 0 }
  return k.task('A').begins(pin_user_pages_fast, args)
}

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
    const { states, broken, complete } = explore(boot((k) => void begin(k)))
    expect({ broken, complete, states }).toEqual({
      broken: undefined,
      complete: true,
      states: count,
    })
  })
})
