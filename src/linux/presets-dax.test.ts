import { describe, expect, it } from 'vitest'
import { bootCxl } from '../testing/cxl-kernel'
import { bootDevice, bootWritten, P3, type RemovalKernel } from '../testing/removal-kernel'
import { bootF1, bootUntouched, type TruncateKernel } from '../testing/truncate-kernel'
import { __device_release_driver } from './drivers/base/dd'
import { dev_dax_remove } from './drivers/dax/device'
import { filp_close, vfs_unlink } from './fs/inode'
import { EOPNOTSUPP } from './include/errno'
import { pin_user_pages_fast } from './mm/gup'
import { userLoad } from './mm/user-access'

/** A preset of each era, and where an era has several kernels, of its first and its last. */
const ERAS = {
  E0: ['v4.14'],
  E1: ['v5.1'],
  E2: ['v5.2', 'v5.12', 'v5.14'],
  E3: ['v5.18', 'v6.1', 'v6.5'],
  E4: ['v6.8', 'v6.12'],
  E5: ['v6.15'],
  E6: ['v6.17'],
} as const
type Era = keyof typeof ERAS
type Cell = string | number | boolean

/** One row of the matrix: what the engine shows in every preset of an era. */
const matrix = (name: string, cells: Record<Era, Cell>, look: (preset: string) => Cell) =>
  describe(`0.3: ${name}`, () => {
    const rows = Object.entries(ERAS).flatMap(([era, presets]) =>
      presets.map((preset) => [era, preset, cells[era as Era]] as const),
    )
    it.each(rows)('%s, %s: %s', (_era, preset, cell) => {
      expect(look(preset)).toBe(cell)
    })
  })

const every = <C extends Cell>(cell: C): Record<Era, C> => ({
  ...{ E0: cell, E1: cell, E2: cell, E3: cell },
  ...{ E4: cell, E5: cell, E6: cell },
})
const pin = (k: TruncateKernel) => k.gup('A', 'PIN')
const unbind = (k: RemovalKernel) => k.task('R').begins(__device_release_driver, { device: 1 })

matrix('idle refcount FS_DAX', { ...every(1), E5: 0, E6: 0 }, (preset) =>
  bootUntouched(preset).ref(P3),
)
matrix('idle refcount GENERIC', every(1), (preset) => bootDevice(preset).ref(P3))
matrix(
  'an fs-dax entry holds a page ref and mapcount',
  { ...every('no'), E5: 'yes', E6: 'yes' },
  (preset) => {
    const k = bootF1(preset)
    const idle = bootUntouched(preset).ref(P3)
    const { refcount, mapcount } = k.kernel.pages.at(P3)
    if (refcount === idle && mapcount === -1) return 'no'
    return refcount === idle + 1 && mapcount === 0 ? 'yes' : 'other'
  },
)

matrix(
  'truncate waits for busy DAX pages',
  {
    ...every('if VMAs exist'),
    E0: 'no',
    E5: 'always, incl. eviction',
    E6: 'always, incl. eviction',
  },
  (preset) => {
    const waits = (isMapped: boolean, how: 'truncate' | 'evict') => {
      const k = bootF1(preset)
      k.kernel.inodes.at(1).i_opens = 1
      pin(k).finishes()
      if (!isMapped) k.munmap()
      if (how === 'evict') k.task('T').begins(vfs_unlink, { inode: 1 }).finishes()
      const task = how === 'truncate' ? k.truncate() : k.task('T').begins(filp_close, { inode: 1 })
      return task.runs().reason !== ''
    }
    const found = [waits(true, 'truncate'), waits(false, 'truncate'), waits(false, 'evict')]
    if (found.every((each) => each)) return 'always, incl. eviction'
    if (found.every((each) => !each)) return 'no'
    return found[0] === true && found[1] === false && found[2] === false ? 'if VMAs exist' : 'other'
  },
)

matrix('idle test of the wait', { ...every('==1'), E0: '–', E5: '==0', E6: '==0' }, (preset) => {
  const k = bootF1(preset)
  pin(k).finishes()
  const { reason } = k.truncate().runs()
  const to = /→ (\d)/.exec(reason)?.[1]
  return to === undefined ? '–' : `==${to}`
})

matrix(
  'memunmap waits for page pins',
  { ...every('no'), E0: 'no (order bug)', E1: 'no (order bug)', E2: 'yes' },
  (preset) => {
    const k = bootDevice(preset)
    k.load('A', userLoad)
    const args = { start: k.vpn('A'), pages: 1, write: 0, longterm: 0, force: 0 }
    k.task('A').begins(pin_user_pages_fast, args).finishes()
    const r = k.task('R').begins(dev_dax_remove, { device: 1 }).runs()
    const isGone = !k.kernel.pages.has(P3)
    if (k.kernel.machine.isIdle(r.id)) return 'no'
    return isGone ? 'no (order bug)' : 'yes'
  },
)

matrix('gup takes a pgmap ref', { ...every('yes'), E5: 'dead code', E6: 'no' }, (preset) => {
  const k = bootF1(preset)
  const refs = new Set<string>()
  const a = pin(k)
  while (k.kernel.machine.canStep(a.id)) {
    a.step()
    refs.add(k.pg)
  }
  if (refs.has('live:10')) return 'yes'
  return k.kernel.policy.gupPgmap === 'takes' ? 'dead code' : 'no'
})

/** What becomes of a late-kill process that maps a file, on the file system at its best. */
const unmapped = (preset: string, policies: Readonly<Record<string, string>>): string => {
  const k = bootWritten(preset, { policies })
  const r = unbind(k)
  const flags = new Set<unknown>()
  while (k.kernel.machine.canStep(r.id)) {
    const [frame] = k.kernel.machine.frames(r.id)
    if (frame?.operation.name === 'xfs_dax_notify_failure') flags.add(frame.locals['flags'])
    r.step()
  }
  const notice = flags.size === 0 ? 'none' : `notify, flags ${[...flags].join()}`
  return `${notice}: ${k.pte('A')}`
}
const XFS = { rmapbt: 'on', filesystem: 'xfs' }

describe('0.3: fs-dax unmap at remove', () => {
  it.each([
    ['E0', 'v4.14', 'none: P3 ro'],
    ['E1', 'v5.1', 'none: P3 ro'],
    ['E2', 'v5.12', 'none: P3 ro'],
    ['E3, before 6.0', 'v5.19', 'none: P3 ro'],
    ['E3, 6.0+: victims often empty', 'v6.0', 'notify, flags 0: P3 ro'],
    ['E3', 'v6.5', 'notify, flags 0: P3 ro'],
    ['E4: MF_MEM_PRE_REMOVE', 'v6.8', 'notify, flags 128: none'],
    ['E4', 'v6.12', 'notify, flags 128: none'],
    ['E5, as E4', 'v6.15', 'notify, flags 128: none'],
    ['E6, as E4', 'v6.17', 'notify, flags 128: none'],
  ])('XFS with rmapbt, %s, %s: %s', (_, preset, found) => {
    expect(unmapped(preset, XFS)).toBe(found)
  })

  it.each(['v6.0', 'v6.8', 'v6.12', 'v6.15', 'v6.17'])('ext4, %s: none', (preset) => {
    expect(unmapped(preset, { ...XFS, filesystem: 'ext4' })).toBe('none: P3 ro')
  })
})

matrix('fs-dax FOLL_LONGTERM', every('blocked'), (preset) => {
  const k = bootF1(preset)
  const a = k.registers('A')
  return a.finishes() === -EOPNOTSUPP ? 'blocked' : 'allowed'
})

describe('0.3: the eras', () => {
  it('have CXL machines too', () => {
    for (const presets of Object.values(ERAS))
      for (const preset of presets) expect(bootCxl({ preset }).blocks).toBe('on on on on')
  })
})
