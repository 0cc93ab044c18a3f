import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hashFromScratch, pack } from '../../arena'
import type { Operation } from '../../machine'
import { seedMemory } from '../../scenarios/memory-machine'
import { bootTest, type TestKernel } from '../../testing/test-kernel'
import { isPresent } from '../arch/x86/pgtable'
import { VM } from '../include/mm_types'
import { daxInvariants } from '../invariants/families/dax'
import type { Kernel } from '../kernel'
import { pin_user_pages_fast, unpin_user_pages } from '../mm/gup'
import { do_mmap } from '../mm/mmap'
import { mapSync } from '../mm/mmap-sync'
import { isOwnCopy } from '../mm/rmap'
import { userLoad, userStore } from '../mm/user-access'
import { presets } from '../presets'
import { daxWrite } from './dax-rw'
import { createFile } from './file'
import { punchArgs, truncateArgs } from './shrink'
import { vfs_fsync_range } from './sync'
import { xfs_file_fallocate, xfs_vn_setattr } from './xfs/xfs_file'
import { xfs_file_remap_range } from './xfs/xfs_reflink'

type Act = readonly [operation: { readonly name: string }, args: object]

/** Two files, which `app` maps shared and `other` maps shared, privately and with MAP_SYNC. */
function boot(preset: string): TestKernel {
  const k = bootTest(presets.find(({ name }) => name === preset)?.policies)
  seedMemory(k.kernel, { start: 0x8000, pages: 1024 }, 'NORMAL')
  const file = { superBlock: 1, name: '/mnt/b', size: 4 << 20 }
  k.task('shell').begins(createFile, file).finishes()
  const area = { inode: 2, pages: 1024, pgoff: 0, private: 0 }
  k.task('app')
    .begins(do_mmap, { ...area, label: 'B1' })
    .finishes()
  k.task('other')
    .begins(mapSync, { ...area, inode: 1, label: 'S' })
    .finishes()
  k.task('other')
    .begins(do_mmap, { ...area, private: 1, label: 'P' })
    .finishes()
  return k
}

/** What a process does at one of a few pages of its areas. */
function processAct(k: Kernel, mm: number, n: number): Act | undefined {
  const areas = k.vmas.rows().filter(({ vm_mm }) => vm_mm === mm)
  const area = areas[n % areas.length]
  if (area === undefined) return undefined
  const vpn = area.vm_start + ([0, 1, 513][Math.floor(n / 8) % 3] ?? 0)
  if (vpn >= area.vm_end) return undefined
  const handle = k.pinHandles.find(({ state }) => state === 'held')
  const pin = { start: vpn, pages: 1, write: n % 2, longterm: 0, force: 0 }
  const acts: Act[] = [
    [userLoad, { vpn, value: 0, offset: 0 }],
    [userStore, { vpn, value: n, offset: 0 }],
    [userStore, { vpn, value: n, offset: 0 }],
    handle === undefined ? [pin_user_pages_fast, pin] : [unpin_user_pages, { handle: handle.id }],
  ]
  return acts[Math.floor(n / 24) % acts.length]
}

function adminAct(k: Kernel, n: number): Act {
  const inode = 1 + (n % 2)
  const size = n % 4 === 3 ? 4096 : k.inodes.at(inode).i_size
  const acts: Act[] = [
    [vfs_fsync_range, { inode, first: 0, last: 1024 }],
    [xfs_file_remap_range, { source: inode, target: 3 - inode }],
    [xfs_file_remap_range, { source: inode, target: 3 - inode }],
    [xfs_file_fallocate, punchArgs(k, inode, [0, 1, 512][n % 3] ?? 0, n % 5 === 0 ? 512 : 1)],
    [daxWrite, { inode, pos: 0, length: 8192, value: n }],
    [xfs_vn_setattr, truncateArgs(k, inode, size)],
  ]
  return acts[Math.floor(n / 4) % acts.length] as Act
}

/** Each page of the device: the files that have it in an entry, as it counts them itself. */
function miscounted(k: Kernel): string | undefined {
  const owners = new Map<number, number>()
  for (const { id } of k.inodes.rows())
    for (const { pfn, length } of k.daxEntries.in(id).runs())
      if (pfn >= 0)
        for (let page = pfn; page < pfn + length; page++)
          owners.set(page, (owners.get(page) ?? 0) + 1)
  for (const { start, end, mapping, share, pgmap } of k.pages.runs())
    for (let page = start; pgmap !== 0 && page < end; page++) {
      const counted = mapping === 0 ? share : 1
      const found = owners.get(page) ?? 0
      if (counted !== found) return `page 0x${page.toString(16)}: ${counted}, but ${found} entries`
      if (found === 0) page = Math.min(end, nextOwned(owners, page)) - 1
    }
  return undefined
}

const nextOwned = (owners: ReadonlyMap<number, number>, after: number): number =>
  Math.min(Number.MAX_SAFE_INTEGER, ...[...owners.keys()].filter((page) => page > after))

/** S5 of the sheet: what an area maps of its file is what the file has in its entry. */
function strayEntry(k: Kernel): string | undefined {
  for (const { vm_mm, vm_file, vm_start, vm_end, vm_pgoff, vm_flags } of k.vmas.rows())
    for (const pte of k.ptes.in(vm_mm).runs(vm_start, vm_end)) {
      if (!isPresent(pte) || isOwnCopy(k, pte) || !k.pages.has(pte.pfn)) continue
      if (k.pages.at(pte.pfn).pgmap === 0) continue
      const index = vm_pgoff + pte.start - vm_start
      const entries = k.daxEntries.in(vm_file)
      if (!entries.has(index) || entries.at(index).pfn !== pte.pfn)
        return `file page ${index} of ${k.inodes.at(vm_file).name}`
      const isWritable = (pte.flags & 2) !== 0
      if (isWritable && (vm_flags & VM.shared) === 0) return `a writable block at ${pte.start}`
    }
  return undefined
}

const act = fc.record({
  task: fc.integer({ min: 1, max: 4 }),
  what: fc.integer({ min: 0, max: 95 }),
})

/**
 * W12 and its kin: pins of pages that no entry of a file names; and from 6.15 on a truncate sleeps on a
 * page that was mapped again meanwhile.
 */
const KNOWN = new Set(['noFreedBlockHeld', 'truncateReturns'])

describe.each(['v6.1', 'v6.12', 'v6.15'])(
  'any schedule on %s of faults, pins, clones, holes, truncate and sync',
  (preset) => {
    it('keeps entries, pages and files in agreement, with exact undo and an exact hash', () => {
      const properties = daxInvariants.filter(
        ({ kind, name }) => kind === 'always' && !KNOWN.has(name),
      )
      fc.assert(
        fc.property(fc.array(act, { minLength: 200, maxLength: 800 }), (acts) => {
          const k = boot(preset)
          const { kernel } = k
          const { arena } = kernel.heap
          arena.journal.length = 0
          const begin = arena.mark()
          const words = pack(arena)
          for (const { task, what } of acts) {
            if (kernel.machine.canStep(task)) kernel.machine.step(task)
            else if (kernel.machine.isIdle(task)) {
              const { mm } = kernel.tasks.at(task)
              const next = mm === 0 ? adminAct(kernel, what) : processAct(kernel, mm, what)
              if (next !== undefined)
                kernel.machine.start(task, next[0] as Operation<Kernel>, next[1])
            }
            expect([miscounted(kernel), strayEntry(kernel)]).toEqual([undefined, undefined])
            expect(properties.flatMap((each) => k.broken(each) ?? [])).toEqual([])
          }
          expect(hashFromScratch(arena)).toEqual([arena.hashLo, arena.hashHi])
          arena.undoTo(begin)
          expect(pack(arena)).toEqual(words)
        }),
        { numRuns: 15 },
      )
    })
  },
)
