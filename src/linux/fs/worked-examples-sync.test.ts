import { describe, expect, it } from 'vitest'
import { withMutation } from '../../testing/mutate'
import { bootWritten, F1DATA, P3, type RemovalKernel } from '../../testing/removal-kernel'
import { bootF1, bootUntouched, F1, type TruncateKernel } from '../../testing/truncate-kernel'
import { TAG } from '../include/fs'
import { userStore } from '../mm/user-access'
import { dax_iomap_fault } from './dax'
import { dax_finish_sync_fault } from './dax-sync'
import { sync_filesystem, vfs_fsync_range } from './sync'

const SLOT = '0x4802030'
const LOCKED = '0x4802031'

/** A has mapped F1 with MAP_SYNC; that the file has b3 is not in the log on disk. */
function boot(preset = 'v6.12'): TruncateKernel {
  const k = bootUntouched(preset, { sync: true })
  k.kernel.inodes.at(F1).datasync_dirty = 1
  return k
}

const stores = (k: TruncateKernel) =>
  k.task('A').begins(userStore, { vpn: k.vpn('A'), value: F1DATA })

const state = (k: TruncateKernel) => [k.entry(), k.slotOf(), k.locks]
const logKnows = (k: TruncateKernel) => k.kernel.inodes.at(F1).datasync_dirty === 0

describe('W30: a fault of a MAP_SYNC mapping versus truncate', () => {
  it('has the states of every row: the entry comes after the sync, and T waits for the lock', () => {
    const k = boot()
    const a = stores(k).runTo('insert_entry')
    expect(state(k)).toEqual(['none', '0x9', 'm1'])
    a.step()
    expect([...state(k), k.kernel.pages.at(P3).mapping]).toEqual(['none', LOCKED, 'm1', F1])
    a.runTo('finish_sync')
    expect([...state(k), k.isDirty(), logKnows(k)]).toEqual(['none', SLOT, 'm1', false, false])
    const t = k.truncate().runs()
    expect([t.next, t.reason]).toEqual(['mmaplock', 'waits for MMAPLOCK, which 1 faults hold'])
    a.runTo('lock_entry')
    expect([...state(k), logKnows(k)]).toEqual(['none', SLOT, 'T:I m1', true])
    a.step()
    expect([...state(k), k.isDirty()]).toEqual(['none', LOCKED, 'T:I m1', true])
    a.runTo('unlock_file')
    expect(state(k)).toEqual(['P3', SLOT, 'T:I m1'])
    a.step()
    expect([k.locks, k.pte('A'), t.reason]).toEqual(['T:I', 'P3 rw', ''])
    expect([t.finishes(), ...state(k), k.own()]).toEqual([0, 'none', '∅', '–', 'free'])
  })

  /** A drops invalidate_lock before the sync, and T frees the block; what A comes to. */
  function unlocked(k: TruncateKernel): string[] {
    return withMutation(
      dax_iomap_fault,
      'finish_sync',
      (kernel, t, original) => {
        kernel.inodes.at(F1).mmaplock_shared -= 1
        return original(kernel, t)
      },
      () => {
        const a = stores(k).runTo('finish_sync')
        a.step()
        const t = k.truncate()
        expect([t.finishes(), k.own(), k.slotOf()]).toEqual([0, 'free', '∅'])
        k.kernel.inodes.at(F1).mmaplock_shared += 1
        a.runTo('unlock_file')
        return [k.entry(), k.slotOf(), k.own()]
      },
    )
  }

  it('makes no entry where the lock was dropped, for it finds its slot gone', () => {
    expect(unlocked(boot())).toEqual(['none', '∅', 'free'])
  })

  it('maps a freed block where the lock was dropped, and the slot is not looked at (S5, S11)', () => {
    const mapped = withMutation(
      dax_finish_sync_fault,
      'lock_entry',
      () => 'insert_pte',
      () => unlocked(boot()),
    )
    expect(mapped).toEqual(['P3', '∅', 'free'])
  })
})

describe('a mapping with MAP_SYNC', () => {
  it('needs no sync where the log knows the block, nor for a read', () => {
    const k = boot()
    k.touch()
    expect([k.pte('A'), logKnows(k)]).toEqual(['P3 ro', false])
    k.kernel.inodes.at(F1).datasync_dirty = 0
    const a = stores(k).runTo('insert_entry').step()
    expect([a.next, k.isDirty()]).toEqual(['insert_pte', true])
    a.finishes()
    expect([k.pte('A'), k.cont()]).toEqual(['P3 rw', F1DATA])
  })

  it('is what asks for the sync: a shared mapping without it is mapped at once', () => {
    const k = bootUntouched('v6.12')
    k.kernel.inodes.at(F1).datasync_dirty = 1
    expect(stores(k).runTo('insert_entry').step().next).toBe('insert_pte')
    expect(logKnows(k)).toBe(false)
  })

  it('counts one reference for the entry in 6.15, which comes with it', () => {
    const k = boot('v6.15')
    const a = stores(k).runTo('finish_sync')
    expect([k.ref(P3), k.entry()]).toEqual([0, 'none'])
    a.finishes()
    expect([k.ref(P3), k.kernel.pages.at(P3).mapcount, k.entry()]).toEqual([1, 0, 'P3'])
  })

  it.each([true, false])(
    'is read-only after fsync and after sync, as any other (MAP_SYNC: %s)',
    (sync) => {
      for (const [operation, args] of [
        [vfs_fsync_range, { inode: F1, first: 0, last: 1 }],
        [sync_filesystem, { superBlock: 1 }],
      ] as const) {
        const k = bootF1('v6.12', { sync })
        expect([k.pte('A'), k.isDirty()]).toEqual(['P3 rw', true])
        expect(k.task('C').begins(operation, args).finishes()).toBe(0)
        expect([k.pte('A'), k.isDirty(), logKnows(k)]).toEqual(['P3 ro', false, true])
        stores(k).finishes()
        expect([k.pte('A'), k.isDirty()]).toEqual(['P3 rw', true])
      }
    },
  )
})

describe('a sync while somebody writes on', () => {
  const syncs = (k: RemovalKernel) => k.task('R').begins(sync_filesystem, { superBlock: 1 })
  const write = (k: RemovalKernel, who: string) =>
    k
      .task(who)
      .begins(userStore, { vpn: k.vpn(who), value: F1DATA })
      .finishes()
  const marks = (k: RemovalKernel, inode = 1) => k.kernel.daxEntries.in(inode).at(0).marks

  it('visits each file once: what A dirties again behind it stays dirty', () => {
    const k = bootWritten('v6.12')
    const sync = syncs(k).runTo('flush').step()
    expect([k.isDirty(), k.pte('A')]).toEqual([false, 'P3 ro'])
    write(k, 'A')
    expect(sync.finishes()).toBe(0)
    expect([k.isDirty(), k.pte('A')]).toEqual([true, 'P3 rw'])
  })

  it('leaves a file out that becomes dirty when it has begun, as dirtied_before does', () => {
    const k = bootWritten('v6.12')
    const sync = syncs(k).step()
    write(k, 'B')
    sync.finishes()
    expect([k.isDirty(1), k.isDirty(2)]).toEqual([false, true])
    syncs(k).finishes()
    expect(k.isDirty(2)).toBe(false)
  })

  it('writes all files that were dirty when it began', () => {
    const k = bootWritten('v6.12')
    write(k, 'B')
    syncs(k).finishes()
    expect([k.isDirty(1), k.isDirty(2), k.pte('A'), k.pte('B')]).toEqual([
      false,
      false,
      'P3 ro',
      'P5 ro',
    ])
  })

  it('tags what is dirty, and takes the tag off under the lock of the entry (§2.5)', () => {
    const k = bootWritten('v6.12')
    const sync = syncs(k).runTo('tag')
    expect(marks(k)).toBe(TAG.dirty)
    sync.step()
    expect(marks(k)).toBe(TAG.dirty | TAG.towrite)
    sync.step()
    expect([marks(k), k.slot()]).toEqual([TAG.dirty, LOCKED])
    sync.finishes()
    expect([marks(k), k.slot()]).toEqual([0, SLOT])
  })

  it('does not write a page that became dirty after the tagging, though it lies ahead', () => {
    const k = bootF1('v6.12', { pages: 2 })
    const fsync = k.task('C').begins(vfs_fsync_range, { inode: F1, first: 0, last: 2 })
    fsync.runTo('next')
    const args = { vpn: k.vpn('A') + 1, value: F1DATA }
    k.task('A').begins(userStore, args).finishes()
    expect(fsync.finishes()).toBe(0)
    const entries = k.kernel.daxEntries.in(F1)
    expect([entries.at(0).marks, entries.at(1).marks]).toEqual([0, TAG.dirty])
  })
})
