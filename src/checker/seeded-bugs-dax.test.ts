import { describe } from 'vitest'
import { kill_dax } from '../linux/drivers/dax/super'
import { ib_umem_release } from '../linux/drivers/infiniband/umem'
import { ib_umem_odp_get, odpWrite } from '../linux/drivers/infiniband/umem-odp'
import { pmem_release_disk } from '../linux/drivers/nvdimm/pmem'
import { pmem_pagemap_kill } from '../linux/drivers/nvdimm/pmem-kill'
import { dax_lease_break_work } from '../linux/fs/dax-lease'
import { xfs_dax_notify_failure } from '../linux/fs/xfs/xfs_notify_failure'
import { conservation } from '../linux/invariants/conservation'
import { dmaKeepsOwner } from '../linux/invariants/dma-keeps-owner'
import { entryMadeUnderLocks } from '../linux/invariants/entry-made-under-locks'
import { noFreedBlockHeld } from '../linux/invariants/no-freed-block-held'
import { noPinWithoutPage } from '../linux/invariants/no-pin-without-page'
import { noPteToDeadPgmap } from '../linux/invariants/no-pte-to-dead-pgmap'
import { memory_failure_dev_pagemap } from '../linux/mm/memory-failure-dax'
import { memunmap_pages } from '../linux/mm/memremap'
import { loads, removes, stores, takes, truncates, unbinds, unpins } from '../testing/dax-calls'
import { removalMistakes, truncateMistakes } from '../testing/dax-mistakes'
import { calls } from '../testing/explored'
import { gupMistakes } from '../testing/mm-mistakes'
import {
  bootDevice,
  bootEarly,
  bootFiles,
  bootRegistered,
  bootWritten,
  type RemovalKernel,
} from '../testing/removal-kernel'
import { findsEach, type SeededBug } from '../testing/seeded-bugs'
import { bootF1, bootUntouched } from '../testing/truncate-kernel'

type K = RemovalKernel

const faultAndRemoval = (k: K) => ({ A: [loads(k, 'A')], R: [removes] })
const pinAndRemoval = (k: K) => ({
  A: [loads(k, 'A'), takes(k, 'A', 'GET'), unpins()],
  R: [removes],
})
const pinAndTruncate = (k: K) => ({ A: [takes(k, 'A', 'PIN'), unpins()], T: [truncates] })
const storeAndUnbind = (k: K) => ({ A: [stores(k, 'A')], R: [unbinds] })
const alone = () => ({ R: [unbinds] })
const rmapbt = { policies: { rmapbt: 'on' } }

/** A has registered its page of F1 with an adapter that faults on demand. */
function bootOnDemand(): K {
  const k = bootF1('v6.12')
  k.task('A')
    .begins(ib_umem_odp_get, { start: k.vpn('A'), pages: 1 })
    .finishes()
  return k
}

const bugs: readonly SeededBug<K>[] = [
  {
    label: 'gup-fast',
    ...gupMistakes.looksOnce,
    breaks: noFreedBlockHeld,
    boot: () => bootF1('v6.12', { policies: { tlbFlush: 'broadcast' } }),
    threads: pinAndTruncate,
    states: 563,
    length: 19,
  },
  {
    label: 'memremap',
    mistake: 'the removal frees the struct pages before it waits (5.12)',
    operation: memunmap_pages,
    step: 'put_pages',
    mutant: () => 'remove_memory',
    breaks: noPinWithoutPage,
    boot: () => bootDevice('v5.12'),
    threads: pinAndRemoval,
    states: 1114,
    length: 29,
  },
  {
    label: 'device-dax',
    ...removalMistakes.keepsEntries,
    breaks: noPteToDeadPgmap,
    boot: () => bootDevice('v6.12'),
    threads: faultAndRemoval,
    states: 317,
    length: 17,
  },
  {
    label: 'device-dax',
    ...removalMistakes.looksTooEarly,
    breaks: noPteToDeadPgmap,
    boot: () => bootDevice('v6.12'),
    threads: faultAndRemoval,
    states: 317,
    length: 17,
  },
  {
    label: 'fs/dax',
    ...truncateMistakes.doesNotScan,
    breaks: noFreedBlockHeld,
    boot: () => bootF1('v6.12'),
    threads: pinAndTruncate,
    states: 273,
    length: 21,
  },
  {
    label: 'fs/dax',
    ...truncateMistakes.unlocksEntry,
    breaks: entryMadeUnderLocks,
    boot: () => bootUntouched('v6.12'),
    threads: (k) => ({ A: [stores(k, 'A')], T: [truncates] }),
    states: 270,
    length: 19,
  },
  {
    label: 'the leases of 2017',
    mistake: 'a lease is given up without a look at its pages',
    operation: dax_lease_break_work,
    step: 'wait',
    mutant: () => 'unlock',
    breaks: dmaKeepsOwner,
    boot: () => bootF1('v4.14', { policies: { daxTruncate: 'lease' } }),
    threads: (k) => ({
      A: [takes(k, 'A', 'GET'), unpins()],
      T: [truncates],
      C: [calls('update_wall_time', { ticks: 2 })],
      break: [calls('dax_lease_break_work', { lease: 1 })],
    }),
    states: 593,
    length: 31,
  },
  {
    label: 'nvdimm/pmem',
    mistake: 'the driver does not kill the dax_device',
    operation: pmem_release_disk,
    step: 'remove_host',
    mutant: () => 'put_dax',
    breaks: noPteToDeadPgmap,
    boot: () => bootFiles('v6.12', rmapbt),
    threads: storeAndUnbind,
    states: 2099,
    length: 36,
  },
  {
    label: 'nvdimm/pmem',
    mistake: 'a device in use is taken for idle (the series of 2021)',
    operation: pmem_pagemap_kill,
    step: 'is_idle',
    mutant: (_k, t) => t.done(),
    breaks: noPteToDeadPgmap,
    boot: bootEarly,
    threads: alone,
    states: 47,
    length: 25,
  },
  {
    label: 'dax/super',
    mistake: 'the kill does not wait for readers of SRCU',
    operation: kill_dax,
    step: 'clear_alive',
    mutant(k, t, original) {
      original(k, t)
      return t.done()
    },
    breaks: noPteToDeadPgmap,
    boot: () => bootDevice('v6.12'),
    threads: faultAndRemoval,
    states: 317,
    length: 16,
  },
  {
    label: 'xfs',
    mistake: 'the file system loses MF_MEM_PRE_REMOVE',
    operation: xfs_dax_notify_failure,
    step: 'supported',
    mutant: (k, t, original) => original(k, Object.assign(t, { flags: 0 })),
    breaks: noPteToDeadPgmap,
    boot: () => bootWritten('v6.12', rmapbt),
    threads: alone,
    states: 50,
    length: 35,
  },
  {
    label: 'memory_failure',
    mistake: 'nobody is collected, whoever asked for early kill',
    operation: memory_failure_dev_pagemap,
    step: 'collect',
    mutant: () => 'unmap',
    breaks: noPteToDeadPgmap,
    boot: bootEarly,
    threads: alone,
    states: 47,
    length: 38,
  },
  {
    label: 'infiniband umem',
    mistake: 'the release forgets the unpin',
    operation: ib_umem_release,
    step: 'unpin',
    mutant: gupMistakes.keepsCount.mutant,
    breaks: conservation,
    boot: () => bootRegistered('v5.12'),
    threads: () => ({ A: [calls('ib_umem_release', { handle: 1 })], R: [removes] }),
    states: 52,
    length: 3,
  },
  {
    label: 'infiniband umem, on demand',
    mistake: 'the fault does not ask whether there was an invalidation',
    operation: odpWrite,
    step: 'map',
    mutant: (k, t, original) => original(k, Object.assign(t, { seq: k.umemOdps.at(1).seq })),
    breaks: dmaKeepsOwner,
    boot: bootOnDemand,
    threads: () => ({ D: [calls('odpWrite', { umem: 1, page: 0, value: 0xd1 })], T: [truncates] }),
    states: 297,
    length: 16,
  },
]

describe('a mistake in DAX or in the removal of a device', () => {
  findsEach(bugs)
})
