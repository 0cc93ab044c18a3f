import { describe, expect, it } from 'vitest'
import { P3 } from '../../testing/removal-kernel'
import { bootF1, F1, type TruncateKernel } from '../../testing/truncate-kernel'
import { do_exit } from '../kernel/exit'
import { unpin_user_pages } from '../mm/gup'
import { do_munmap } from '../mm/mmap'
import { evict, filp_close, vfs_unlink } from './inode'
import { vfs_fsync_range } from './sync'

const unlink = (k: TruncateKernel) => k.task('T').begins(vfs_unlink, { inode: F1 })
const left = (k: TruncateKernel) => [k.kernel.inodes.isLive(F1), k.own(), k.entry()]
const area = (k: TruncateKernel, who: string) =>
  k.kernel.vmas.find(({ vm_mm }) => vm_mm === k.task(who).row.mm)?.id

describe('a file without a name', () => {
  it('lives as long as a mapping of it, and its last munmap evicts it', () => {
    const k = bootF1('v6.12', { mappers: ['A', 'B'] })
    unlink(k).finishes()
    expect(left(k)).toEqual([true, 'F1', 'P3'])
    k.munmap('B')
    expect(left(k)).toEqual([true, 'F1', 'P3'])
    k.munmap('A')
    expect(left(k)).toEqual([false, 'free', 'none'])
    expect(k.kernel.pages.at(P3).mapping).toBe(0)
  })

  it('lives on while somebody has it open', () => {
    const k = bootF1('v6.12')
    k.kernel.inodes.at(F1).i_opens = 1
    unlink(k).finishes()
    k.munmap()
    expect(left(k)).toEqual([true, 'F1', 'none'])
    k.task('A').begins(filp_close, { inode: F1 }).finishes()
    expect(left(k)).toEqual([false, 'free', 'none'])
  })

  it('lives on while a call of somebody else is at work on it', () => {
    const k = bootF1('v6.12')
    unlink(k).finishes()
    const fsync = k.task('T').begins(vfs_fsync_range, { inode: F1, first: 0, last: 4 })
    fsync.step()
    k.munmap()
    expect(left(k)).toEqual([true, 'F1', 'none'])
    fsync.finishes()
  })

  it('goes with the last process that maps it', () => {
    const k = bootF1('v6.12')
    unlink(k).finishes()
    k.task('A').begins(do_exit).finishes()
    expect([k.kernel.inodes.isLive(F1), k.own()]).toEqual([false, 'free'])
  })

  it('is used by its area to the end of munmap, which evicts it; unlink does not', () => {
    const k = bootF1('v6.15')
    k.gup('A', 'PIN').finishes()
    const a = k
      .task('A')
      .begins(do_munmap, { vma: area(k, 'A') })
      .runTo('unlock')
    expect([unlink(k).finishes(), k.own()]).toEqual([0, 'F1'])
    expect(a.runs().reason).toContain('to be idle: refcount 1024 → 0')
    k.task('D').begins(unpin_user_pages, { handle: 1 }).finishes()
    expect([a.finishes(), ...left(k)]).toEqual([0, false, 'free', 'none'])
  })

  it('is evicted once, where another finds it without a user too', () => {
    const k = bootF1('v6.15')
    unlink(k).finishes()
    const a = k
      .task('A')
      .begins(do_munmap, { vma: area(k, 'A') })
      .runTo('delete_entries')
    expect([k.task('T').begins(evict, { inode: F1 }).finishes(), k.own()]).toEqual([0, 'F1'])
    expect([a.finishes(), ...left(k)]).toEqual([0, false, 'free', 'none'])
  })

  it('keeps the last munmap waiting from 6.15 on, while a page of it is pinned', () => {
    const k = bootF1('v6.15')
    k.gup('A', 'PIN').finishes()
    unlink(k).finishes()
    const a = k
      .task('A')
      .begins(do_munmap, { vma: area(k, 'A') })
      .runs()
    expect([a.reason, ...left(k)]).toEqual([
      'waits for page 0x480203 to be idle: refcount 1024 → 0; held by A (FOLL_PIN)',
      ...[true, 'F1', 'none'],
    ])
    k.task('D').begins(unpin_user_pages, { handle: 1 }).finishes()
    expect([a.finishes(), ...left(k)]).toEqual([0, false, 'free', 'none'])
  })
})
