import { describe, expect, it } from 'vitest'
import { __device_release_driver } from '../linux/drivers/base/dd'
import { truncateArgs } from '../linux/fs/shrink'
import { xfs_vn_setattr } from '../linux/fs/xfs/xfs_file'
import type { Kernel } from '../linux/kernel'
import { pin_user_pages_fast, unpin_user_pages } from '../linux/mm/gup'
import { userLoad } from '../linux/mm/user-access'
import { policies } from '../linux/policies'
import { judgePolicies } from '../machine'
import { explored } from '../testing/explored'
import { bootTest, vpnOf } from '../testing/test-kernel'
import { scenarios } from '.'
import { openScenario, setupOf } from './open'

describe.each(scenarios.map((scenario) => [scenario.name, scenario] as const))(
  'scenario %s',
  (_, scenario) => {
    it('opens at moment 0, with its story as the schedule', () => {
      const opened = openScenario(scenario)
      if (typeof opened === 'string') throw new Error(opened)
      expect(opened.timeline.cursor).toBe(0)
      // A passage in which nothing happens under these policies is left out.
      expect(opened.passages.length > 0).toBe(scenario.story.length > 0)
      expect(opened.passages.every(({ from, to }) => from < to)).toBe(true)
      expect(opened.timeline.standings().every(({ since }) => since === undefined)).toBe(true)
    })

    it('plays its story to the end under every policy that it offers', () => {
      for (const filesystem of scenario.policies.includes('filesystem')
        ? ['xfs', 'ext4']
        : ['xfs']) {
        const opened = openScenario(scenario, { policies: { filesystem } })
        if (typeof opened === 'string') throw new Error(opened)
        expect(opened.timeline.seek(Number.MAX_SAFE_INTEGER)).toBeUndefined()
        expect(opened.passages.at(-1)?.to ?? 0).toBe(opened.timeline.length)
      }
    })

    it('says what it simplifies', () => {
      expect(scenario.simplified.length).toBeGreaterThan(0)
    })
  },
)

describe('what a link or a command line may ask', () => {
  const [scenario] = scenarios
  if (scenario === undefined) throw new Error('there is no scenario')

  it.each([
    [{ preset: 'v0.1' }, 'There is no kernel preset "v0.1"'],
    [{ params: { cpus: 2 } }, 'has no parameter "cpus"'],
  ])('is refused with a sentence: %j', (request, sentence) => {
    expect(setupOf(scenario, request)).toContain(sentence)
    expect(openScenario(scenario, request)).toContain(sentence)
  })
})

describe('a choice of rules', () => {
  it.each([
    [{ colour: 'red' }, 'There is no policy "colour"'],
    [{ filesystem: 'zfs' }, 'Policy filesystem has no value "zfs"'],
    [{ filesystem: 'constructor' }, 'has no value "constructor"'],
  ])('is refused with a sentence: %j', (chosen, sentence) => {
    expect(judgePolicies(policies, chosen)).toContain(sentence)
  })
})

describe('every interleaving', () => {
  const begun = (begin: (k: ReturnType<typeof bootTest>) => void, policies = {}): Kernel => {
    const k = bootTest(policies, { admins: ['shell', 'shell 2'] })
    k.task('app')
      .begins(userLoad, { vpn: vpnOf(k, 'A'), value: 0 })
      .finishes()
    begin(k)
    k.kernel.heap.arena.journal.length = 0
    return k.kernel
  }
  const pinning = (k: ReturnType<typeof bootTest>) =>
    k
      .task('app')
      .begins(pin_user_pages_fast, { start: vpnOf(k, 'A'), pages: 1, write: 0, longterm: 0 })

  it.each(['ipi', 'broadcast'] as const)(
    'of a pin and a truncate keeps every freed block unheld, flushing TLBs by %s (W11)',
    (tlbFlush) => {
      const kernel = begun(
        (k) => {
          pinning(k)
          k.task('shell').begins(xfs_vn_setattr, truncateArgs(k.kernel, 1, 0))
        },
        { tlbFlush },
      )
      const { states, broken } = explored(kernel)
      expect({ states, broken }).toEqual({ states: STATES.pinAndTruncate[tlbFlush], broken: {} })
    },
  )

  it('of an unpin and a truncate comes to an end', () => {
    const kernel = begun((k) => {
      pinning(k).finishes()
      k.task('app').begins(unpin_user_pages, { handle: 1 })
      k.task('shell').begins(xfs_vn_setattr, truncateArgs(k.kernel, 1, 0))
    })
    const { states, broken } = explored(kernel)
    expect({ states, broken }).toEqual({ states: STATES.unpinAndTruncate, broken: {} })
  })

  it('of a read and an unbind leaves an entry behind, whichever comes first', () => {
    const kernel = begun((k) => {
      k.task('shell').begins(__device_release_driver, { device: 1 })
    })
    const { states, broken } = explored(kernel)
    expect({ states, broken }).toEqual({
      states: STATES.unbind,
      broken: { noPteToDeadPgmap: 19, entryMatchesFile: 21 },
    })
  })
})

/** Exact counts: a change of the engine that changes one is to be explained. */
const STATES = {
  pinAndTruncate: { ipi: 224, broadcast: 471 },
  unpinAndTruncate: 24,
  unbind: 28,
}
