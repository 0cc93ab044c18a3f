import { describe, expect, it } from 'vitest'
import { bootWritten, type RemovalKernel } from '../../testing/removal-kernel'
import { __device_release_driver } from '../drivers/base/dd'
import { EIO } from '../include/errno'
import { userStore } from '../mm/user-access'
import { daxRead, daxWrite } from './dax-rw'
import { createFile, writeFile } from './file'
import { vfs_unlink } from './inode'
import { punchArgs, truncateArgs } from './shrink'
import { xfs_file_fallocate, xfs_vn_setattr } from './xfs/xfs_file'
import { xfs_file_remap_range } from './xfs/xfs_reflink'

const FROZEN = 'waits for pmem0, which is frozen, to be thawed'

/** A machine with two files, the second of one page. */
function boot(): RemovalKernel {
  const k = bootWritten('v6.12', { policies: { rmapbt: 'on' } })
  k.task('R 2').begins(createFile, { superBlock: 1, name: '/mnt/y', size: 4096 }).finishes()
  return k
}

const unbind = (k: RemovalKernel) => k.task('R').begins(__device_release_driver, { device: 1 })
const bytes = { inode: 1, pos: 0, length: 4096, value: 7 }
const clone = { source: 2, target: 1 }

const changes = [
  ['write(2)', 'R 2', daxWrite, () => bytes, -EIO],
  ['open and write(2)', 'R 2', writeFile, () => ({ inode: 1, value: 7 }), -EIO],
  ['truncate', 'R 2', xfs_vn_setattr, (k: RemovalKernel) => truncateArgs(k.kernel, 1, 0), -EIO],
  [
    'a punched hole',
    'R 2',
    xfs_file_fallocate,
    (k: RemovalKernel) => punchArgs(k.kernel, 1, 0, 1),
    -EIO,
  ],
  ['a clone', 'R 2', xfs_file_remap_range, () => clone, -EIO],
  ['unlink', 'R 2', vfs_unlink, () => ({ inode: 1 }), -EIO],
  ['a new file', 'R 2', createFile, () => ({ superBlock: 1, name: '/mnt/x', size: 4096 }), -EIO],
  ['a store', 'A', userStore, (k: RemovalKernel) => ({ vpn: k.vpn('A'), value: 7 }), -1],
] as const

describe('a frozen file system (freeze_super)', () => {
  it.each(changes)(
    'keeps %s waiting until it is thawed, and shut down',
    (_, who, operation, args, result) => {
      const k = boot()
      const r = unbind(k).runTo('invalidate').step()
      const t = k.task(who).begins(operation, args(k)).runs()
      expect(t.reason).toBe(FROZEN)
      r.runTo('clear_alive')
      expect(t.reason).toBe('')
      expect(t.finishes()).toBe(result)
      expect([k.kernel.superBlocks.at(1).writers, k.kernel.superBlocks.at(1).pagefaults]).toEqual([
        0, 0,
      ])
    },
  )

  it('lets read(2) through', () => {
    const k = boot()
    unbind(k).runTo('invalidate').step()
    expect(
      k
        .task('R 2')
        .begins(daxRead, { ...bytes, length: 16 })
        .finishes(),
    ).toBe(16)
  })

  it.each([
    ['write(2)', daxWrite, () => bytes],
    ['truncate', xfs_vn_setattr, (k: RemovalKernel) => truncateArgs(k.kernel, 1, 0)],
    ['a clone', xfs_file_remap_range, () => clone],
  ] as const)('waits for %s that has begun', (_, operation, args) => {
    const k = boot()
    const t = k.task('R 2').begins(operation, args(k)).step()
    const r = unbind(k).runs()
    expect(r.reason).toBe('waits for 1 writes that hold the freeze off')
    t.finishes()
    expect([r.finishes(), k.s1]).toEqual([0, 'holds'])
  })
})
