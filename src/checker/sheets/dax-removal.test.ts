import { describe, expect, it } from 'vitest'
import { daxInvariants } from '../../linux/invariants/families/dax'
import { memunmap_pages } from '../../linux/mm/memremap'
import { put_dev_pagemap } from '../../linux/mm/memremap-ref'
import { userLoad } from '../../linux/mm/user-access'
import { always } from '../../linux/operation'
import { loads, removes, replaces, stores, takes, unbinds, unpins } from '../../testing/dax-calls'
import { columnOf, labelled } from '../../testing/dax-labels'
import { calls, explored } from '../../testing/explored'
import { type Mutant, withMutation } from '../../testing/mutate'
import {
  bootDevice,
  bootEarly,
  bootFiles,
  bootRegistered,
  bootWritten,
  type RemovalKernel,
} from '../../testing/removal-kernel'
import { playedEveryWay, type Row } from '../../testing/sheet-rows'

type K = RemovalKernel
const properties = labelled(daxInvariants)

const revoked = { policies: { longtermRevoke: 'revoke' } }
const noRef = { policies: { gupPgmap: 'none' } }
const rmapbt = { policies: { rmapbt: 'on' } }
/** B maps F1 too. */
const shared = { ...rmapbt, other: 1 } as const
const ext4 = { policies: { filesystem: 'ext4', rmapbt: 'on' } }

const alone = () => ({ R: [unbinds] })
const reads = (k: K) => takes(k, 'A', 'GET', { write: 0 })
const gup = (k: K) => ({ R: [unbinds], A: [reads(k), unpins()] })
const gupOfDevice = (k: K) => ({ R: [removes], A: [loads(k, 'A'), reads(k), unpins()] })
const twoFaults = (k: K) => ({ R: [removes], A: [loads(k, 'A')], B: [loads(k, 'B')] })
const aLoads = (k: K) => ({ R: [unbinds], A: [loads(k, 'A')] })
const aStores = (k: K) => ({ R: [unbinds], A: [stores(k, 'A')] })
const bLoads = (k: K) => ({ R: [unbinds], B: [loads(k, 'B')] })
const bStores = (k: K) => ({ R: [unbinds], B: [stores(k, 'B')] })

const registering = (k: K) => ({
  A: [calls('ib_umem_get', { start: k.vpn('A'), pages: 1 })],
  R: [removes, replaces],
})

const replaced = () => ({
  R: [removes, replaces],
  A: [calls('ib_umem_release', { handle: 1 })],
})

const rows: readonly Row<K>[] = [
  ['W14', '5.12', 'S1 23, S5 25, L3 32', 670, () => bootWritten('v5.12'), gup],
  ['W14', '6.12', 'S1 26, S3 37, S5 28, L3 35', 768, () => bootWritten('v6.12'), gup],
  ['W14', '6.15', 'S1 26, S3 34, S5 28', 775, () => bootWritten('v6.15'), gup],
  [
    'W15',
    '6.12 without the reference',
    'S1 26, S3 34, S5 28',
    775,
    () => bootWritten('v6.12', noRef),
    gup,
  ],
  ['W16b', '5.14 without it', 'nothing', 1107, () => bootDevice('v5.14', noRef), gupOfDevice],
  ['W16b', '6.12 without it', 'S3 30', 1130, () => bootDevice('v6.12', noRef), gupOfDevice],
  ['W16b', '5.12', 'nothing', 1114, () => bootDevice('v5.12'), gupOfDevice],
  ['W16b', '6.12', 'S3 31', 1137, () => bootDevice('v6.12'), gupOfDevice],
  ['W17', '5.12', 'nothing', 5517, () => bootDevice('v5.12'), twoFaults],
  ['W17', '6.12', 'nothing', 5517, () => bootDevice('v6.12'), twoFaults],
  ['W17', '6.15', 'nothing', 5517, () => bootDevice('v6.15'), twoFaults],
  ['W18', '5.12', 'S1 23, S5 25', 32, () => bootWritten('v5.12'), alone],
  ['W18', '6.12', 'S1 26, S5 28', 35, () => bootWritten('v6.12'), alone],
  ['W19', 'the series of 2021, early kill', 'nothing', 746, bootEarly, aLoads],
  [
    'W19',
    'the series of 2021, late kill',
    'S1 38, S5 40',
    177,
    () => bootWritten('surprise-remove-2021'),
    aLoads,
  ],
  [
    'W20',
    'the series of 2021',
    'S1 41, S5 43',
    1847,
    () => bootFiles('surprise-remove-2021'),
    aStores,
  ],
  ['W20', '6.1, rmapbt', 'S1 44, S5 46', 1705, () => bootFiles('v6.1', rmapbt), aStores],
  ['W20', '6.8, rmapbt', 'nothing', 2099, () => bootFiles('v6.8', rmapbt), aStores],
  ['W21', '6.1, rmapbt', 'S1 33, S5 35', 42, () => bootWritten('v6.1', rmapbt), alone],
  ['W21', '6.8, rmapbt', 'nothing', 50, () => bootWritten('v6.8', rmapbt), alone],
  ['W21', '6.12, rmapbt', 'nothing', 50, () => bootWritten('v6.12', rmapbt), alone],
  ['W21', '6.12, ext4', 'S1 25, S5 27', 34, () => bootWritten('v6.12', ext4), alone],
  ['W22', '6.8', 'S1 61, S5 63', 3664, () => bootWritten('v6.8', shared), bLoads],
  ['W22', '6.12', 'S1 61, S5 63', 3664, () => bootWritten('v6.12', shared), bLoads],
  ['W22', '6.15', 'S1 61, S5 63', 3650, () => bootWritten('v6.15', shared), bLoads],
  ['W22', '6.12, a write', 'nothing', 2180, () => bootWritten('v6.12', shared), bStores],
  ['W23a', '5.12', 'L1 10', 55, () => bootRegistered('v5.12'), replaced],
  [
    'W23a',
    '5.12 with revocation',
    'nothing',
    108,
    () => bootRegistered('v5.12', revoked),
    replaced,
  ],
  ['W23b', '6.12', 'S3 12, S4 21', 99, () => bootRegistered('v6.12'), replaced],
  [
    'W23b',
    '6.12 with revocation',
    'nothing',
    108,
    () => bootRegistered('v6.12', revoked),
    replaced,
  ],
  [
    'W23b',
    '6.12, registered meanwhile',
    'S3 31, S4 44',
    792,
    () => bootDevice('v6.12'),
    registering,
  ],
  [
    'W23b',
    '6.12 with revocation, registered meanwhile',
    'nothing',
    720,
    () => bootDevice('v6.12', revoked),
    registering,
  ],
]

describe('the removal of a device, every interleaving', () => {
  it.each(rows)('%s on %s breaks: %s', (_example, _on, breaks, states, boot, threads) => {
    expect(playedEveryWay(boot, threads, properties)).toEqual({ states, breaks })
  })

  it('gives the column “Violated in” of §8, as far as these examples go', () => {
    expect(columnOf(rows)).toEqual({
      S1: 'W14 W15 W18 W19 W20 W21 W22',
      S3: 'W14 W15 W16b W23b',
      S4: 'W23b',
      S5: 'W14 W15 W18 W19 W20 W21 W22',
      L1: 'W23a',
      L3: 'W14',
    })
  })
})

/** The other half of S3: what is gone is not looked at. A pin that is never made cannot break the first half. */
const noTouchOfFreedPage = always({
  name: 'noTouchOfFreedPage',
  claim: 'Nobody looks for a struct page that has been freed.',
  sources: [{ file: 'mm/gup.c', fn: 'try_get_folio', version: '6.12' }],
  broken(k) {
    const row = k.log.find(({ line }) => line.includes('a struct page that no longer exists'))
    return row && { table: 'log', id: row.id, says: row.line }
  },
})

/** percpu_ref_kill() without its grace period. */
const noGracePeriod: Mutant = (k, t, original) => {
  original(k, t)
  const pgmap = k.pgmaps.at(1)
  pgmap.mode = 'atomic'
  put_dev_pagemap(pgmap, 0)
  return 'wait_done'
}

describe('W16c: gup-fast without the reference of the pgmap', () => {
  const search = (tlbFlush: string) => {
    const k = bootDevice('v5.14', { policies: { gupPgmap: 'none', tlbFlush } })
    k.task('A')
      .begins(userLoad, { vpn: k.vpn('A'), value: 0 })
      .finishes()
    const threads = { R: [removes], A: [reads(k), unpins()] }
    const { states, broken } = explored(k.kernel, threads, [noTouchOfFreedPage])
    return { states, broken }
  }

  const withoutGracePeriod = (tlbFlush: string) =>
    withMutation(memunmap_pages, 'put_pages', noGracePeriod, () => search(tlbFlush))

  it('is safe by the interrupt of the flush, or by any grace period between it and the free', () => {
    expect(search('ipi')).toEqual({ states: 473, broken: {} })
    expect(search('broadcast')).toEqual({ states: 494, broken: {} })
    expect(withoutGracePeriod('ipi')).toEqual({ states: 441, broken: {} })
  })

  it('touches a freed struct page where there is neither', () => {
    expect(withoutGracePeriod('broadcast')).toEqual({
      states: 591,
      broken: { noTouchOfFreedPage: 15 },
    })
  })
})
