import { describe, expect, it } from 'vitest'
import { type BootKernel, barSeeds, bootScanned, filesOf } from '../../../testing/boot-kernel'
import { countSchedules, type Schedule } from '../../../testing/schedules'
import { errnoName } from '../../include/errno'
import { resourceFilesOf } from './bars'
import { pci_bus_add_device } from './bus'
import { pci_sysfs_init } from './pci-sysfs'

const DEVICE = '0000:01:00.0'

/** Steps that nobody else can tell from the one before them. */
const ALONG = ['pci_sysfs_init.created', 'pci_bus_add_device.proc', 'pci_bus_add_device.driver']

/** What L returned, what B ignored, files of d, dangling pointers, and whether later devices are served. */
function outcome(k: BootKernel, schedule: Schedule): string {
  const { kernel } = k
  const { ret } = kernel.tasks.at(k.task('swapper/0').id)
  const worker = schedule.filter((step) => step.startsWith('worker'))
  const isUnwound = worker.some((step) => step.endsWith('.unwind'))
  const isCreated = worker.some((step) => step.endsWith('.complete'))
  const b = isUnwound ? 'EEXIST' : isCreated ? 'ok' : 'EACCES'
  const files = filesOf(kernel, 1)
    .map((name) => name.slice(-1))
    .sort()
  const bars = resourceFilesOf(kernel, 1).map(({ bar }) => bar)
  const dangling = bars.filter(({ number }) => k.resAttr(number).includes('freed'))
  const isDouble = kernel.binAttributes.rows().some(({ frees }) => frees > 1)
  const l = ret === 0 ? 'ok' : errnoName(ret).slice(1)
  const sets = `{${files.join(',')}}, [${dangling.map(({ number }) => number).join(',')}]`
  return `${l}, ${b}, ${sets}, ${ret === 0 ? 'yes' : 'no'}${isDouble ? ', double free' : ''}`
}

function begin(bars: number, policies: Readonly<Record<string, string>>) {
  const k = bootScanned([{ name: DEVICE, bars: barSeeds(bars) }], { policies })
  k.task('swapper/0').begins(pci_sysfs_init)
  k.task('worker').begins(pci_bus_add_device, { dev: 1 }).runTo('gate')
  return k
}

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0)

const counted = (k: BootKernel) =>
  Object.fromEntries(countSchedules(k.kernel, ALONG, (schedule) => outcome(k, schedule)))

describe('every schedule of the late initcall and of pci_bus_add_device() for one device', () => {
  it.each([
    {
      of: 'one BAR in 6.12',
      bars: 1,
      policies: {},
      total: 63,
      outcomes: {
        'ok, EEXIST, {}, [0], yes': 26,
        'EEXIST, ok, {}, [0], no': 19,
        'ok, EEXIST, {0}, [], yes': 9,
        'ok, EACCES, {0}, [], yes': 6,
        'EEXIST, ok, {0}, [], no': 3,
      },
    },
    {
      of: 'two BARs in 6.12',
      bars: 2,
      policies: {},
      total: 414,
      outcomes: {
        'ok, EEXIST, {}, [0,1], yes': 136,
        'EEXIST, ok, {}, [0,1], no': 99,
        'ok, EEXIST, {1}, [0], yes': 85,
        'ok, EEXIST, {0,1}, [], yes': 36,
        'EEXIST, ok, {1}, [0], no': 26,
        'ok, EEXIST, {0}, [1], yes': 9,
        'EEXIST, ok, {0,1}, [], no': 9,
        'ok, EACCES, {0,1}, [], yes': 8,
        'EEXIST, ok, {0}, [1], no': 6,
      },
    },
    {
      of: 'one BAR where the pointer is stored first',
      bars: 1,
      policies: { resAttrStore: 'beforeCreate' },
      total: 86,
      outcomes: {
        'ok, EEXIST, {}, [0], yes, double free': 33,
        'ok, EEXIST, {}, [0], yes': 12,
        'EEXIST, ok, {}, [0], no, double free': 26,
        'EEXIST, ok, {}, [0], no': 9,
        'ok, EACCES, {0}, [], yes': 6,
      },
    },
    {
      of: 'one BAR under a mutex',
      bars: 1,
      policies: { resourceFiles: 'mutex' },
      total: 46,
      outcomes: { 'ok, EACCES, {0}, [], yes': 27, 'ok, ok, {0}, [], yes': 19 },
    },
  ])('has these outcomes for $of: $total in all', ({ bars, policies, total, outcomes }) => {
    const found = counted(begin(bars, policies))
    expect(found).toEqual(outcomes)
    expect(sum(found)).toBe(total)
  })

  it('leaves a file with a freed attribute in 140 of 751, for two BARs where the pointer is stored first', () => {
    const found = counted(begin(2, { resAttrStore: 'beforeCreate' }))
    expect(sum(found)).toBe(751)
    const isFreedFile = (name: string) => name.includes('{1}, [0,1]')
    const freed = Object.entries(found).filter(([name]) => isFreedFile(name))
    expect(sum(Object.fromEntries(freed))).toBe(140)
  })

  it('has ten outcomes where the flag is set behind the loop, and in six of them no file', () => {
    const k = begin(1, { resourceFiles: 'flagAfterLoop' })
    // The first step sets no flag here, and is none: the flag is the last one.
    k.task('swapper/0').step()
    expect(counted(k)).toEqual({
      'ok, EACCES, {}, [], yes': 6,
      'ok, EACCES, {0}, [], yes': 3,
      'ok, ok, {0}, [], yes': 1,
    })
  })
})
