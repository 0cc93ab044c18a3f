import { describe, expect, it } from 'vitest'
import { LABELS, labelled } from '../../testing/dax-labels'
import { truncateMistakes } from '../../testing/dax-mistakes'
import { type Mistake, watch, withMistake } from '../../testing/mutate'
import {
  bootDevice,
  bootFiles,
  bootWritten,
  F1DATA,
  type RemovalKernel,
  TENANT2_KEY,
} from '../../testing/removal-kernel'
import { bootF1, bootUntouched, F1, type TruncateKernel } from '../../testing/truncate-kernel'
import { __device_release_driver } from '../drivers/base/dd'
import { dev_dax_remove } from '../drivers/dax/device'
import { replaceDevice } from '../drivers/dax/replace'
import { dax_lease_break_work, dax_lease_reap_work, update_wall_time } from '../fs/dax-lease'
import { daxWrite } from '../fs/dax-rw'
import { filp_close, vfs_unlink } from '../fs/inode'
import { get_user_pages_fast, unpin_user_pages } from '../mm/gup'
import { userLoad, userStore } from '../mm/user-access'
import { daxInvariants } from './families/dax'

const properties = labelled(daxInvariants)
const device = { device: 1 }

/** The labels of what breaks while an example is played, in the order of the sheet. */
function brokenIn<K extends RemovalKernel>(k: K, play: (k: K) => void): string {
  const found = watch(k, properties)
  play(k)
  const isBroken = (name: string) => found.some((line) => line.includes(`, ${name}: `))
  return properties
    .filter(({ name }) => isBroken(name))
    .map(({ name }) => LABELS[name])
    .join(' ')
}

const unbind = (k: RemovalKernel) => k.task('R').begins(__device_release_driver, device)
const remove = (k: RemovalKernel) => k.task('R').begins(dev_dax_remove, device)
const read = (k: RemovalKernel) => {
  const args = { start: k.vpn('A'), pages: 1, write: 0, longterm: 0, force: 0 }
  return k.task('A').begins(get_user_pages_fast, args)
}
const seconds = (k: RemovalKernel, ticks: number) =>
  k.task('C').begins(update_wall_time, { ticks }).finishes()

/** W1, and with another policy W3 and W5: a reference, a truncate, another file, a store, a put. */
function truncateUnderDma(k: TruncateKernel): void {
  k.gup('A', 'GET').finishes()
  k.truncate().finishes()
  k.createsF2()
  k.dma()
  k.unpin('A')
}

function waitingTruncate(k: TruncateKernel): void {
  k.gup('A', 'PIN').finishes()
  const t = k.truncate().runs()
  k.touch()
  k.dma()
  k.unpin('A')
  t.finishes()
  k.createsF2()
}

function lease(k: TruncateKernel): void {
  k.gup('A', 'GET').finishes()
  seconds(k, 1)
  const t = k.truncate().runs()
  const reap = k.task('reap').begins(dax_lease_reap_work, { lease: 1 }).runs()
  seconds(k, 1)
  reap.runs()
  k.unpin('A')
  seconds(k, 1)
  k.task('break').begins(dax_lease_break_work, { lease: 1 }).finishes()
  if (t.reason === '') t.finishes()
  reap.runs()
}

/** W8: one write of A in two chunks, each from its mapping of the file that it writes. */
function ownWrite(k: TruncateKernel): void {
  k.gup('A', 'GET').finishes()
  k.task('A').begins(daxWrite, { inode: F1, pos: 0, length: 4096, value: F1DATA }).runs()
}

/** W9 up to the fault of A, which is between its two pages; T sleeps, with MMAPLOCK or without. */
function faultUnderTruncate(k: TruncateKernel) {
  const a = k.gup('A', 'PIN', { pages: 2 }).runTo('slow')
  const t = k.truncate().runs()
  a.runs()
  return { a, t }
}

function unmapped(k: TruncateKernel): void {
  k.gup('A', 'PIN').finishes()
  k.munmap()
  k.truncate().finishes()
  k.createsF2()
  k.dma()
}

function lastClose(k: TruncateKernel): void {
  k.kernel.inodes.at(F1).i_opens = 1
  k.task('A')
    .begins(userStore, { vpn: k.vpn('A'), value: F1DATA })
    .finishes()
  k.gup('A', 'PIN').finishes()
  k.munmap()
  k.task('T').begins(vfs_unlink, { inode: F1 }).finishes()
  const close = k.task('A').begins(filp_close, { inode: F1 }).runs()
  k.task('D').begins(unpin_user_pages, { handle: 1 }).finishes()
  close.finishes()
}

/** W14, either order: G comes to `step` before the kill, or after it. */
const gupAndUnbind = (step: string) => (k: RemovalKernel) => {
  const r = unbind(k).runTo('kill')
  const g = read(k).runTo(step)
  r.step()
  g.runTo('irqs_on').step()
  r.finishes()
  for (let i = 0; i < 12 && k.kernel.machine.canStep(g.id); i++) g.step()
}

const pinnedRemoval = (k: RemovalKernel): void => {
  k.load('A', userLoad)
  read(k).finishes()
  const r = remove(k).runs()
  k.task('A').begins(unpin_user_pages, { handle: 1 }).finishes()
  r.runs()
}

const cleanRemoval = (k: RemovalKernel): void => {
  k.load('A', userLoad)
  const b = k
    .task('B')
    .begins(userLoad, { vpn: k.vpn('B'), value: 0 })
    .runTo('insert')
  const r = remove(k).runs()
  b.finishes()
  r.finishes()
}

/** W20: the fault has its pfn, and no entry yet, while the device goes. */
function faultUnderRemoval(k: RemovalKernel): void {
  const a = k
    .task('A')
    .begins(userStore, { vpn: k.vpn('A'), value: F1DATA })
    .runTo('insert_entry')
  const r = unbind(k).runTo('put_pages')
  a.runTo('unlock_entry')
  r.finishes()
}

function readUnderNotice(k: RemovalKernel): void {
  const r = unbind(k).runTo('invalidate').step()
  k.load('B', userLoad)
  r.finishes()
}

function registered(k: RemovalKernel): void {
  k.load('A', userLoad)
  k.registers('A').finishes()
  const r = remove(k).runs()
  if (r.reason !== '') return
  k.task('R')
    .begins(replaceDevice, { ...device, value: TENANT2_KEY })
    .finishes()
}

const onPolicy = (daxTruncate: string) => bootF1('v4.14', { policies: { daxTruncate } })
const rmapbt = { policies: { rmapbt: 'on' } }
const noRef = { policies: { gupPgmap: 'none' } }

type Example = readonly [label: string, breaks: string, play: () => string]

const examples: readonly Example[] = [
  ['W1', 'S2 S11', () => brokenIn(bootF1('v4.14'), truncateUnderDma)],
  ['W3', '', () => brokenIn(onPolicy('fail'), truncateUnderDma)],
  ['W4', '', () => brokenIn(bootF1('v6.12'), waitingTruncate)],
  ['W5', '', () => brokenIn(onPolicy('remap'), truncateUnderDma)],
  ['W7', '', () => brokenIn(onPolicy('lease'), lease)],
  ['W8', 'L5', () => brokenIn(onPolicy('leaseLayout'), ownWrite)],
  ['W8, by the letter', 'L5', () => brokenIn(onPolicy('leaseLiteral'), ownWrite)],
  ['W8, only truncate breaks', '', () => brokenIn(onPolicy('lease'), ownWrite)],
  ['W9', '', () => brokenIn(bootF1('v6.12', { pages: 2 }), finishing)],
  ['W12', 'S2 S11', () => brokenIn(bootF1('v6.12'), unmapped)],
  ['W13', 'L6', () => brokenIn(bootUntouched('v6.15'), lastClose)],
  ['W14', 'S1 S5 L3', () => brokenIn(bootF1('v6.12'), gupAndUnbind('get_pgmap'))],
  ['W15', 'S1 S3 S5', () => brokenIn(bootF1('v6.12', noRef), gupAndUnbind('try_grab'))],
  ['W16b, 5.14', '', () => brokenIn(bootDevice('v5.14', noRef), pinnedRemoval)],
  ['W16b, 6.12', 'S3', () => brokenIn(bootDevice('v6.12', noRef), pinnedRemoval)],
  ['W17', '', () => brokenIn(bootDevice('v6.8'), cleanRemoval)],
  ['W18', 'S1 S5', () => brokenIn(bootWritten('v5.12'), (k) => unbind(k).finishes())],
  ['W20', 'S1 S5', () => brokenIn(bootFiles('surprise-remove-2021'), faultUnderRemoval)],
  ['W21, 6.1', 'S1 S5', () => brokenIn(bootWritten('v6.1', rmapbt), (k) => unbind(k).finishes())],
  ['W21, 6.12', '', () => brokenIn(bootWritten('v6.12', rmapbt), (k) => unbind(k).finishes())],
  ['W22', 'S1 S5', () => brokenIn(bootWritten('v6.8', { ...rmapbt, other: 1 }), readUnderNotice)],
  ['W23a', 'L1', () => brokenIn(bootDevice('v5.12'), registered)],
  ['W23b', 'S3 S4', () => brokenIn(bootDevice('v6.12'), registered)],
]

const finishing = (k: TruncateKernel): void => {
  const { a, t } = faultUnderTruncate(k)
  a.finishes()
  k.unpin('A')
  t.finishes()
}

describe('the column “Violated in” of §8', () => {
  it.each(examples)('%s breaks exactly: %s', (_, breaks, play) => {
    expect(play()).toBe(breaks)
  })

  it('W10: the state of two rounds before comes again, truncate asleep in it: this can go on for ever (L2)', () => {
    const k = bootF1('v6.12', { pages: 2, mappers: ['A', 'B'] })
    const pin = (page: number) => {
      const b = k.gup('B', 'PIN', { page })
      b.finishes()
      return b.row.pages
    }
    let held = pin(0)
    const t = k.truncate().runs()
    const seen: string[] = []
    for (let round = 1; round <= 4; round++) {
      const next = pin(round % 2)
      k.unpin('B', held)
      held = next
      expect(t.runs().next).toBe('sleep')
      const { hashLo, hashHi } = k.kernel.heap.arena
      seen.push(`${hashLo} ${hashHi}`)
    }
    expect(seen.slice(2)).toEqual(seen.slice(0, 2))
    expect(seen[0]).not.toBe(seen[1])
  })
})

/** An example that the sheet gives as a mistake. */
interface WrongExample extends Mistake {
  readonly label: string
  readonly breaks: string
  readonly play: () => string
}

const mistakes: readonly WrongExample[] = [
  {
    label: 'W7',
    breaks: 'S7',
    ...truncateMistakes.losesBreak,
    play: () =>
      brokenIn(onPolicy('lease'), (k) => {
        k.gup('A', 'GET').finishes()
        seconds(k, 1)
        k.truncate().runs()
      }),
  },
  {
    label: 'W9',
    breaks: 'L2 L5',
    ...truncateMistakes.keepsMmaplock,
    play: () => brokenIn(bootF1('v6.12', { pages: 2 }), faultUnderTruncate),
  },
]

describe('a mistake in the engine', () => {
  it.each(mistakes)('breaks $breaks where $mistake ($label)', (one) => {
    expect(withMistake(one, one.play)).toBe(one.breaks)
  })
})
