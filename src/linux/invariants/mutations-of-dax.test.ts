import { describe } from 'vitest'
import { removalMistakes, truncateMistakes } from '../../testing/dax-mistakes'
import { gupMistakes } from '../../testing/mm-mistakes'
import type { Mutation } from '../../testing/mutate'
import { eachHasAMistake } from '../../testing/mutation-tests'
import { bootDevice, FIRST, type RemovalKernel, TENANT2_KEY } from '../../testing/removal-kernel'
import { bootF1, F1, TruncateKernel } from '../../testing/truncate-kernel'
import { __device_release_driver } from '../drivers/base/dd'
import { dev_dax_remove } from '../drivers/dax/device'
import { replaceDevice } from '../drivers/dax/replace'
import { dax_iomap_fault } from '../fs/dax'
import { filp_close, vfs_unlink } from '../fs/inode'
import { xfs_vn_setattr } from '../fs/xfs/xfs_file'
import { get_user_pages_fast, pin_user_pages_fast } from '../mm/gup'
import { memunmap_pages } from '../mm/memremap'
import { userLoad } from '../mm/user-access'
import { dmaKeepsDevice } from './dma-keeps-device'
import { dmaKeepsOwner } from './dma-keeps-owner'
import { entryMadeUnderLocks } from './entry-made-under-locks'
import { entryMatchesFile } from './entry-matches-file'
import { evictionReturns } from './eviction-returns'
import { daxInvariants } from './families/dax'
import { gupReturns } from './gup-returns'
import { leaseCountsUsers } from './lease-counts-users'
import { noDeadlock } from './no-deadlock'
import { noFreedBlockHeld } from './no-freed-block-held'
import { noPinWithoutPage } from './no-pin-without-page'
import { noPteToDeadPgmap } from './no-pte-to-dead-pgmap'
import { removeReturns } from './remove-returns'
import { truncateReturns } from './truncate-returns'

/** A DAX device in the words of a file. */
const deviceOf = (preset: string) => () => new TruncateKernel(bootDevice(preset).kernel)
const device = { device: 1 }
const remove = (k: RemovalKernel) => k.task('R').begins(dev_dax_remove, device)

/** W23: A registers P3, and R removes the device and puts another card in its place. */
function removeRegistered(k: RemovalKernel): void {
  k.load('A', userLoad)
  k.registers('A').finishes()
  const r = remove(k).runs()
  if (!k.kernel.machine.isIdle(r.id)) return
  const swap = { ...device, value: TENANT2_KEY }
  r.begins(replaceDevice, swap).finishes()
}

/** W4 up to the sleep of T. */
function truncatePinned(k: TruncateKernel): void {
  k.gup('A', 'PIN').finishes()
  k.truncate().runs()
}

/** W9: T truncates while A is between the pages that it pins. */
function truncateMeanwhile(k: TruncateKernel): void {
  const a = k.gup('A', 'PIN', { pages: 2 }).runTo('slow')
  k.truncate().runs()
  a.runs()
}

const doesNotScan = {
  ...truncateMistakes.doesNotScan,
  schedule: truncatePinned,
} satisfies Partial<Mutation<TruncateKernel>>

const doesNotAwaitPins = {
  mistake: 'the removal does not wait for pins (5.12)',
  operation: memunmap_pages,
  step: 'switch_to_atomic',
  mutant: () => 'remove_memory',
  boot: deviceOf('v5.12'),
} satisfies Partial<Mutation<TruncateKernel>>

const keepsMmaplock = {
  ...truncateMistakes.keepsMmaplock,
  boot: () => bootF1('v6.12', { pages: 2 }),
  schedule: truncateMeanwhile,
} satisfies Partial<Mutation<TruncateKernel>>

/** In the order of daxInvariants. */
const safety: readonly Mutation<TruncateKernel>[] = [
  {
    breaks: noPteToDeadPgmap,
    ...removalMistakes.looksTooEarly,
    boot: deviceOf('v6.12'),
    schedule(k) {
      const b = k.task('B').begins(userLoad, { vpn: k.vpn('B'), value: 0 })
      b.runTo('insert')
      const r = remove(k)
      for (let i = 0; i < 5; i++) if (k.kernel.machine.canStep(r.id)) r.step()
      b.finishes()
      r.finishes()
    },
    says: `B maps pfn 0x${(FIRST + 4).toString(16)}, which has no struct page any more`,
  },
  {
    ...doesNotScan,
    breaks: dmaKeepsOwner,
    says: 'A has block 0x480203 under DMA, which belongs to nobody now',
  },
  {
    ...doesNotAwaitPins,
    breaks: noPinWithoutPage,
    schedule: removeRegistered,
    says: 'pfn 0x480203, held by A, has no struct page any more',
  },
  {
    ...doesNotAwaitPins,
    breaks: dmaKeepsDevice,
    schedule: removeRegistered,
    says: 'page 0x480203, pinned by A, is on another card now: generation 2, not 1',
  },
  {
    breaks: entryMatchesFile,
    mistake: 'truncate does not unmap what it frees (4.14)',
    operation: xfs_vn_setattr,
    step: 'unmap',
    mutant: () => 'delete_entries',
    boot: () => bootF1('v4.14'),
    schedule: (k) => k.truncate().finishes(),
    says: 'A maps pfn 0x480203, which is no page of F1 there',
  },
  {
    breaks: entryMadeUnderLocks,
    mistake: 'the fault does not take invalidate_lock',
    operation: dax_iomap_fault,
    step: 'mmaplock_shared',
    mutant: () => 'check',
    schedule: faultAgain,
    says: 'A is about to map a page without invalidate_lock',
  },
  {
    breaks: entryMadeUnderLocks,
    ...truncateMistakes.unlocksEntry,
    schedule: faultAgain,
    says: 'A is about to map a page without the lock of its entry',
  },
  {
    breaks: leaseCountsUsers,
    ...truncateMistakes.losesBreak,
    boot: () => bootF1('v4.14', { policies: { daxTruncate: 'lease' } }),
    schedule(k) {
      k.gup('A', 'GET').finishes()
      k.truncate().runs()
    },
    says: 'dl_count is 2, and 3 use the lease',
  },
  {
    ...doesNotScan,
    breaks: noFreedBlockHeld,
    says: 'block 0x480203 is free, and A still holds it',
  },
]

/** T zaps and waits, and A touches its page again. */
function faultAgain(k: TruncateKernel): void {
  truncatePinned(k)
  k.touch()
}

const ends: readonly Mutation<TruncateKernel>[] = [
  {
    breaks: removeReturns,
    mistake: 'gup-fast keeps the pgmap reference',
    operation: pin_user_pages_fast,
    step: 'put_pgmap',
    mutant: () => 'irqs_on',
    schedule(k) {
      k.gup('A', 'PIN').finishes()
      k.unpin('A')
      k.task('R').begins(__device_release_driver, device).runs()
    },
    says: 'R waits for what nobody has',
  },
  {
    ...keepsMmaplock,
    breaks: truncateReturns,
    says: 'T waits for somebody who waits for it',
  },
  {
    breaks: gupReturns,
    ...removalMistakes.keepsEntries,
    boot: deviceOf('v6.12'),
    schedule(k) {
      k.load('A', userLoad)
      remove(k).finishes()
      const args = { start: k.vpn('A'), pages: 1, write: 0, longterm: 0, force: 0 }
      const g = k.task('A').begins(get_user_pages_fast, args)
      for (let i = 0; i < 20 && k.kernel.machine.canStep(g.id); i++) g.step()
    },
    says: 'A finds pfn 0x480203, whose pgmap is gone; the fault finds it mapped, and so on',
  },
  {
    ...keepsMmaplock,
    breaks: noDeadlock,
    says: 'A waits for T, and T waits for A',
  },
  {
    breaks: evictionReturns,
    ...gupMistakes.keepsCount,
    boot: () => bootF1('v6.15'),
    schedule(k) {
      k.kernel.inodes.at(F1).i_opens = 1
      k.gup('A', 'PIN').finishes()
      k.unpin('A')
      k.munmap()
      k.task('T').begins(vfs_unlink, { inode: F1 }).finishes()
      k.task('A').begins(filp_close, { inode: F1 }).runs()
    },
    says: 'A waits for page 0x480203 to be idle: refcount 1024 → 0; held by nobody that is known',
  },
]

/** `conservation` has its mistakes in mutations-of-counters.test.ts. */
const OURS = daxInvariants.filter(({ kind, name }) => kind === 'always' && name !== 'conservation')

describe('every property of DAX', () => {
  eachHasAMistake(OURS, [...safety, ...ends], () => bootF1('v6.12'))
})
