import { describe, expect, it } from 'vitest'
import { deadlock, type Operation, waitEdges } from '../machine'
import { anyPolicies, bootSmallWorld, Dice, moveSomewhere } from '../testing/random-walk'
import { bootF1, F1 } from '../testing/truncate-kernel'
import { sharedHolders } from './fs/inode-locks'
import { punchArgs, truncateArgs } from './fs/shrink'
import type { Kernel } from './kernel'
import { mmapReaders } from './mm/locks'
import { operations } from './operations'

/** What is wrong with the graph of the moment: a wait without holders, or a holder that does nothing. */
function flaws(k: Kernel): string[] {
  return waitEdges(k).flatMap(({ waiter, reason, holders }) => {
    const at = `${k.tasks.at(waiter).name} in ${k.machine.stepName(waiter)}, ${reason}`
    if (holders.length === 0) return [`${at}: held by nobody`]
    const idle = holders.filter(
      ({ task, by, until }) =>
        until === 'call' && by === undefined && (task === 0 || k.machine.isIdle(task)),
    )
    return idle.map(({ task }) => `${at}: held by ${task}, who is in no call`)
  })
}

/** Locks of which the kernel counts the readers: as many were found in their calls. */
function miscounts(k: Kernel): string[] {
  const mms = k.mms.rows().map(({ id, mmap_readers }) => ({
    lock: `mmap_lock of mm ${id}`,
    counted: mmap_readers,
    found: mmapReaders(k, id).length,
  }))
  const inodes = k.inodes.rows().map(({ id, name, mmaplock_shared }) => ({
    lock: `invalidate_lock of ${name}`,
    counted: mmaplock_shared,
    found: sharedHolders(k, id).length,
  }))
  return [...mms, ...inodes]
    .filter(({ counted, found }) => counted !== found)
    .map(({ lock, counted, found }) => `${lock}: ${counted} readers, ${found} found`)
}

/** After an oops nothing is promised: up to 5.1 a put that finds no struct page leaves its wait to nobody. */
const hasOopsed = (k: Kernel): boolean => k.log.rows().some(({ line }) => line.startsWith('BUG:'))

/** Walks, and returns how many waits were looked at; fails at the first flaw. */
function walk(k: Kernel, steps: number, move: () => string | undefined): number {
  let waits = 0
  for (let taken = 0, tries = 0; taken < steps && tries < 30 * steps; tries++) {
    const step = move()
    if (step === undefined) continue
    taken += 1
    if (hasOopsed(k)) break
    expect([...flaws(k), ...miscounts(k)], `after ${step}`).toEqual([])
    expect(deadlock(k), `after ${step}`).toBeUndefined()
    waits += waitEdges(k).length
  }
  return waits
}

type Begin = readonly [string, Readonly<Record<string, number | string>>]

/** Begins something with F1 or its device, or takes a step; the step, if one was taken. */
function moveDax(k: Kernel, dice: Dice): string | undefined {
  const task = dice.pick(k.tasks.rows())
  if (!k.machine.isIdle(task.id)) {
    if (!k.machine.canStep(task.id)) return undefined
    const step = `${task.name}: ${k.machine.stepName(task.id)}`
    k.machine.step(task.id, dice.below(k.machine.choices(task.id)))
    return step
  }
  const [name, args] = task.mm === 0 ? rootActs(k, dice) : mapperActs(k, dice, task.mm)
  const operation = operations.find((each) => each.name === name) as Operation<Kernel>
  if (operation.start?.refuse(k, args as never, task.id) !== undefined) return undefined
  k.machine.start(task.id, operation, args)
  return undefined
}

function mapperActs(k: Kernel, dice: Dice, mm: number): Begin {
  const vma = k.vmas.find(({ vm_mm }) => vm_mm === mm)
  const vpn = (vma?.vm_start ?? 0) + dice.below(2)
  const write = dice.below(2)
  return dice.pick<Begin>([
    ['userLoad', { vpn, value: 0, offset: 0 }],
    ['userStore', { vpn, value: 5, offset: 0 }],
    ['pin_user_pages_fast', { start: vpn, pages: 1, write, longterm: 0, force: 0 }],
    ['get_user_pages_fast', { start: vpn, pages: 1, write, longterm: 0, force: 0 }],
    ['unpin_user_pages', { handle: dice.pick([1, 2, 3]) }],
    ['directRead', { vpn, value: 7 }],
  ])
}

const rootActs = (k: Kernel, dice: Dice): Begin =>
  dice.pick<Begin>([
    ['xfs_vn_setattr', { ...truncateArgs(k, F1, 4096) }],
    ['xfs_file_fallocate', { ...punchArgs(k, F1, dice.below(2), 1) }],
    ['daxWrite', { inode: F1, pos: 0, length: 4096, value: 1 }],
    ['writeFile', { inode: F1, value: 1 }],
    ['bio_endio', { handle: dice.pick([1, 2, 3]), value: 7 }],
    ['unpin_user_pages', { handle: dice.pick([1, 2, 3]) }],
    ['sync_filesystem', { superBlock: 1 }],
    ['__device_release_driver', { device: 1 }],
  ])

describe('in any schedule, every wait has its holders, and none closes a circle', () => {
  it('of anonymous memory', () => {
    let waits = 0
    for (let seed = 1; seed <= 40; seed++) {
      const dice = new Dice(seed * 104_729)
      const k = bootSmallWorld(anyPolicies(dice))
      waits += walk(k, 250, () => moveSomewhere(k, dice))
    }
    expect(waits).toBeGreaterThan(1000)
  }, 60_000)

  it.each(['v5.1', 'v5.12', 'v6.12', 'v6.15'])('of a DAX file and its device, %s', (preset) => {
    let waits = 0
    for (let seed = 1; seed <= 25; seed++) {
      const dice = new Dice(seed * 104_729)
      const { rmapbt, tlbFlush } = anyPolicies(dice)
      const policies = { rmapbt, tlbFlush } as Readonly<Record<string, string>>
      const { kernel: k } = bootF1(preset, { policies, pages: 2, mappers: ['A', 'B'] })
      waits += walk(k, 150, () => moveDax(k, dice))
    }
    expect(waits).toBeGreaterThan(100)
  })
})
