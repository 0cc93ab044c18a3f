import { describe, expect, it } from 'vitest'
import { daxInvariants } from '../../linux/invariants/families/dax'
import {
  createsF2,
  dma,
  loads,
  munmaps,
  stores,
  takes,
  truncates,
  unpins,
  writes,
} from '../../testing/dax-calls'
import { columnOf, labelled } from '../../testing/dax-labels'
import { truncateMistakes } from '../../testing/dax-mistakes'
import { calls, type ThreadCalls } from '../../testing/explored'
import { type Mistake, withMistake } from '../../testing/mutate'
import { playedEveryWay, type Row } from '../../testing/sheet-rows'
import { bootF1, bootUntouched, F1, type TruncateKernel } from '../../testing/truncate-kernel'

type K = TruncateKernel
const properties = labelled(daxInvariants)

/** T truncates, C makes another file, and the device writes what A has taken, and lets go. */
const underDma = (kind: 'GET' | 'PIN') => (k: K) => ({
  A: [takes(k, 'A', kind)],
  T: [truncates],
  C: createsF2,
  D: [dma, unpins()],
})

const touched = (k: K) => ({
  A: [takes(k, 'A', 'PIN'), loads(k, 'A')],
  T: [truncates],
  D: [dma, unpins()],
})

const second = calls('update_wall_time', { ticks: 2 })
const polls = calls('dax_lease_break_work', { lease: 1 })
const leased = (k: K) => ({
  A: [takes(k, 'A', 'GET')],
  T: [truncates],
  D: [unpins()],
  C: [second, second],
  reap: [calls('dax_lease_reap_work', { lease: 1 })],
  break: [polls, polls],
})

/** One write of A in two chunks, each from its mapping of the file that it writes. */
const ownWrite = (k: K) => ({
  A: [takes(k, 'A', 'GET'), writes, unpins()],
  T: [truncates],
  C: [second],
  break: [polls],
})

const twoPages = (k: K) => ({
  A: [takes(k, 'A', 'PIN', { pages: 2 }), unpins()],
  T: [truncates],
})

const unmapped = (k: K) => ({
  A: [takes(k, 'A', 'PIN'), munmaps],
  T: [truncates],
  C: createsF2,
  D: [dma, unpins()],
})

function bootOpen(preset: string): K {
  const k = bootF1(preset)
  k.kernel.inodes.at(F1).i_opens = 1
  return k
}

const lastClose = (k: K) => ({
  A: [takes(k, 'A', 'PIN'), munmaps, calls('filp_close', { inode: F1 })],
  T: [calls('vfs_unlink', { inode: F1 })],
  D: [dma, unpins()],
})

const odp = (k: K): ThreadCalls => ({
  A: [calls('ib_umem_odp_get', { start: k.vpn('A'), pages: 1 })],
  D: [calls('odpWrite', { umem: 1, page: 0, value: 0xd1 })],
  T: [truncates],
  C: createsF2,
})

const onPolicy = (daxTruncate: string) => () => bootF1('v4.14', { policies: { daxTruncate } })

const rows: readonly Row<K>[] = [
  ['W1', '4.14', 'S2 17, S11 15', 975, () => bootF1('v4.14'), underDma('GET')],
  ['W3', 'option 1', 'nothing', 1119, onPolicy('fail'), underDma('GET')],
  ['W4', '6.12', 'nothing', 900, () => bootF1('v6.12'), underDma('PIN')],
  ['W4', '6.12, A touches its page meanwhile', 'nothing', 850, () => bootF1('v6.12'), touched],
  ['W4', '6.15', 'nothing', 879, () => bootF1('v6.15'), underDma('PIN')],
  // The entry that A makes while truncate sleeps is a reference too from 6.15 on.
  ['W4', '6.15, A touches its page meanwhile', 'L2 38', 841, () => bootF1('v6.15'), touched],
  ['W5', 'option 3', 'nothing', 1479, onPolicy('remap'), underDma('GET')],
  ['W6', 'option 4', 'nothing', 600, onPolicy('noDax'), underDma('GET')],
  ['W7', 'the series of 2017', 'nothing', 2638, onPolicy('lease'), leased],
  ['W8', 'FL_LAYOUT', 'L2 21, L5 15', 631, onPolicy('leaseLayout'), ownWrite],
  ['W8', 'the series by the letter', 'L2 21, L5 15', 631, onPolicy('leaseLiteral'), ownWrite],
  ['W8', 'the series as it was meant', 'nothing', 745, onPolicy('lease'), ownWrite],
  ['W9', '6.12', 'nothing', 529, () => bootF1('v6.12', { pages: 2 }), twoPages],
  [
    'W11',
    '6.12, flushes without interrupts',
    'nothing',
    1806,
    () => bootF1('v6.12', { policies: { tlbFlush: 'broadcast' } }),
    underDma('PIN'),
  ],
  ['W12', '6.12', 'S2 27, S11 27', 2307, () => bootF1('v6.12'), unmapped],
  ['W12', '6.15', 'nothing', 2202, () => bootF1('v6.15'), unmapped],
  ['W12', '6.12, unlink and close', 'S2 25, S11 25', 266, () => bootOpen('v6.12'), lastClose],
  ['W13', '6.15', 'L6 22', 235, () => bootOpen('v6.15'), lastClose],
  ['W29', '6.12, ODP', 'nothing', 1401, () => bootF1('v6.12'), odp],
  [
    'W30',
    '6.12',
    'nothing',
    810,
    () => bootUntouched('v6.12', { sync: true }),
    (k) => ({ A: [stores(k, 'A')], T: [truncates], C: createsF2 }),
  ],
]

const { losesBreak, keepsMmaplock, scansFirst } = truncateMistakes

/** Examples that the sheet gives as mistakes. */
const mistakes: readonly (readonly [...Row<K>, Mistake])[] = [
  [
    'W7',
    losesBreak.mistake,
    'S7 14',
    141,
    onPolicy('lease'),
    (k) => ({ A: [takes(k, 'A', 'GET')], T: [truncates] }),
    losesBreak,
  ],
  [
    'W9',
    keepsMmaplock.mistake,
    'L2 28, L5 28',
    476,
    () => bootF1('v6.12', { pages: 2 }),
    twoPages,
    keepsMmaplock,
  ],
  [
    'W11',
    scansFirst.mistake,
    'S2 21, S11 19',
    1191,
    () => bootF1('v6.12'),
    underDma('PIN'),
    scansFirst,
  ],
]

describe('truncate and DMA, every interleaving', () => {
  it.each(rows)('%s on %s breaks: %s', (_example, _on, breaks, states, boot, threads) => {
    expect(playedEveryWay(boot, threads, properties)).toEqual({ states, breaks })
  })

  it.each(mistakes)('%s where %s breaks: %s', (...row) => {
    const [_example, _on, breaks, states, boot, threads, mistake] = row
    const search = () => playedEveryWay(boot, threads, properties)
    expect(withMistake(mistake, search)).toEqual({ states, breaks })
  })

  it('gives the column “Violated in” of §8, as far as these examples go', () => {
    expect(columnOf([...rows, ...mistakes])).toEqual({
      S2: 'W1 W12 W11',
      S11: 'W1 W12 W11',
      S7: 'W7',
      L2: 'W4 W8 W9',
      L5: 'W8 W9',
      L6: 'W13',
    })
  })
})
