import { describe, expect, it } from 'vitest'
import { writeLink } from '../formats/permalink'
import { file, pinhole, said } from '../testing/pinhole'
import { compare } from './compare'
import { UserError } from './output'

const race = 'gup-fast-vs-remove'
const zapAndLeave = ['--a', 'removalZap=zap', '--b', 'v6.12,removalZap=leave']

describe('pinhole compare', () => {
  it('prints the first step that differs and a unified diff, exit 1', () => {
    const { status, stdout } = pinhole(['compare', race, ...zapAndLeave])
    expect(status).toBe(1)
    expect(stdout).toContain('Step 7 is the first that differs; 4 of 11 rows do.')
    expect(stdout).toContain(
      '--- a/v6.12 removalZap=zap\n+++ b/v6.12 removalZap=leave\n@@ -10,14 +',
    )
    expect(stdout).toContain('-       pages 0x60400.refcount: 3 -> 2')
  })

  it('exits 0 where both sides are the same, in every interleaving too', () => {
    const { status, stdout } = pinhole(['compare', race, '--a', 'v5.9', '--b', 'v6.12', '--space'])
    expect(status).toBe(0)
    expect(stdout).toContain('The same under both, for 10 steps.')
    expect(stdout).toContain('both reach 171 states')
  })

  it('plays a schedule that it is given, and has all of it as JSON', () => {
    const { stdout } = pinhole(['compare', race, ...zapAndLeave, '--space', '--json'])
    const { space, diff, firstDifference, same } = JSON.parse(stdout)
    expect([same, firstDifference.a.name, firstDifference.b.name]).toEqual([false, 'zap', 'zap'])
    expect(diff).toMatch(/^--- a\/v6\.12 removalZap=zap\n/)
    expect(space).toMatchObject({
      a: { verdict: 'holds', states: 171, only: { states: 73 } },
      b: { verdict: 'broken', states: 163, only: { states: 65 } },
      both: { states: 98 },
      verdicts: [{ name: 'removeDoneMeansUnheld', a: 'holds', b: 'broken' }],
    })
    const { link, steps } = space.b.nearest
    const again = pinhole(['compare', race, ...zapAndLeave, '--schedule', link, '--json'])
    expect(JSON.parse(again.stdout).firstDifference.b.step).toBe(space.b.nearest.differsAt)
    expect(steps).toBe(3)
  })

  it('takes the parameters of a schedule, and its kernel from the sides alone', async () => {
    const request = { scenario: race, preset: 'v5.9', policies: { removalZap: 'leave' } }
    const link = `#${writeLink({ ...request, params: { cpus: 3 }, cursor: 0, choices: [] })}`
    const asked = [race, '--a', 'v6.12', '--b', 'v5.1', '--schedule', link, '--space', '--json']
    const { a, b, space } = JSON.parse((await said(compare, asked)).stdout)
    expect([a, b, space.a.states]).toEqual(['v6.12', 'v5.1', 1225])
  })

  it('says that a limit stopped it, and claims nothing that it cannot know', () => {
    const { stdout } = pinhole([
      ...['compare', race, ...zapAndLeave],
      ...['--space', '--max-states', '50', '--json'],
    ])
    expect(JSON.parse(stdout).space).toMatchObject({
      a: { limit: 'states', only: null, nearest: null },
      b: { limit: 'states', only: null, nearest: null },
    })
  })

  it('says what is broken on each side, and what parts them on the way to what one reaches', async () => {
    const asked = ['gup-fast-and-unbind', '--a', 'v5.1', '--b', 'v6.12', '--space']
    const { status, stdout } = await said(compare, asked)
    const [, space = ''] = stdout.split('\nEvery interleaving, ')
    expect(status).toBe(1)
    expect(space).toMatch(
      /^ {2}a: broken: noPteToDeadPgmap 23, .*, remover hangs 32, livelock 36; 64,980 states, /m,
    )
    expect(space).toMatch(/^ {2}b: broken: noPteToDeadPgmap 26, .*, livelock 43; 30,914 states, /m)
    expect(space).toContain('+++ b/v6.12\n')
    expect(space).toMatch(/^ +\+ +xfs_dax_notify_failure\(\)$/m)
    const json = JSON.parse((await said(compare, [...asked, '--json'])).stdout).space
    expect(json.a).toMatchObject({ hangs: { remover: 32 }, livelock: 36 })
    expect(json.b).toMatchObject({ broken: { noPteToDeadPgmap: 26 }, hangs: {} })
    expect(json.a.nearest.diff).toContain('\n+    xfs_dax_notify_failure()\n')
  })

  it('exits 3 where nothing differs as far as was searched', async () => {
    const same = [race, '--a', 'v5.9', '--b', 'v6.12', '--space', '--max-states', '50']
    const { status, stdout } = await said(compare, same)
    expect(status).toBe(3)
    expect(stdout).toContain('  a: open, stopped at the limit of states; 50 states, ')
  })

  it.each([
    [['nothing', ...zapAndLeave], 'There is no scenario "nothing"'],
    [[race, '--a', 'v6.12'], 'Give --b a kernel, policies, or both'],
    [[race, '--a', 'v6.12', '--b', 'v1'], 'There is no kernel preset "v1"'],
    [[race, '--a', 'v6.12,x=y', '--b', 'v6.12'], 'There is no policy "x"'],
    [[race, '--a', 'v6.12,removalZap=x', '--b', 'v6.12'], 'Policy removalZap has no value "x"'],
    [[race, '--a', 'v6.12,zap', '--b', 'v6.12'], '"zap" should read NAME=VALUE.'],
    [[race, ...zapAndLeave, '--set', 'cpus=99'], 'from 1 to 8'],
    [[race, ...zapAndLeave, '--schedule', 'no-such-file'], 'cannot be read: ENOENT'],
    [[race, ...zapAndLeave, '--schedule', '#2x'], 'The link is damaged'],
    [[race, ...zapAndLeave, '--schedule', '#s/half-a-bar'], 'of scenario "half-a-bar"'],
    [[race, ...zapAndLeave, '--schedule', file('[{}]')], 'a list of at most 5000 choices'],
    [[race, ...zapAndLeave, '--space', '--max-states', '0'], '--max-states takes a whole number'],
  ])('answers %j with a sentence', (args, sentence) => {
    expect(() => compare.run(args)).toThrow(UserError)
    expect(() => compare.run(args)).toThrow(sentence)
  })
})
