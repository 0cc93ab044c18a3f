import { describe, expect, it } from 'vitest'
import { scenarios } from '../../scenarios'
import { openScenario } from '../../scenarios/open'
import { path_umount } from './super'

/** For each file system of a scenario’s first moment, why it cannot be unmounted. */
function refusals(name: string): Record<string, string | undefined> {
  const scenario = scenarios.find((each) => each.name === name)
  const opened = scenario && openScenario(scenario)
  if (opened === undefined || typeof opened === 'string') throw new Error(opened)
  const { kernel } = opened.timeline
  return Object.fromEntries(
    kernel.superBlocks
      .rows()
      .map(({ id, s_id }) => [
        s_id,
        path_umount.start?.refuse(kernel, { superBlock: id, lazy: 0 }, 1),
      ]),
  )
}

describe('umount(2)', () => {
  it('takes no files away that are the kernel’s own', () => {
    const refused = 'Its files are the kernel’s own, and stay: the kernel has it mounted as well.'
    expect(refusals('half-a-bar')).toEqual({ devtmpfs: refused, devmem: refused })
  })

  it('unmounts a file system on a disk', () => {
    expect(refusals('unlink-while-pinned')).toEqual({ pmem0: undefined })
  })
})
