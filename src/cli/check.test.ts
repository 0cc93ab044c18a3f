import { describe, expect, it } from 'vitest'
import { file, pinhole, said } from '../testing/pinhole'
import { check } from './check'
import { UserError } from './output'
import { run } from './run'

const race = 'gup-fast-vs-remove'

describe('pinhole check', () => {
  it('says that a scenario holds, with the counts of its states, exit 0', () => {
    const { status, stdout } = pinhole(['check', race, '--json'])
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      scenario: race,
      verdict: 'holds',
      states: 171,
      transitions: 399,
      depth: 12,
      seconds: expect.any(Number),
      statesPerSecond: expect.any(Number),
    })
    expect(JSON.parse(stdout)).not.toHaveProperty('schedule')
  })

  it('gives a shortest schedule that breaks a property, and a link that plays it, exit 1', () => {
    const leave = ['--policy', 'removalZap=leave', '--json']
    const { status, stdout } = pinhole(['check', race, ...leave])
    const { verdict, property, schedule, switches, link } = JSON.parse(stdout)
    expect([status, verdict, property, schedule.length, switches]).toEqual([
      1,
      'broken',
      'removeDoneMeansUnheld',
      8,
      1,
    ])
    for (const given of [link, file(stdout)]) {
      const played = pinhole(['run', race, '--schedule', given, '--json'])
      const { steps } = JSON.parse(played.stdout)
      expect(steps.findIndex(({ broken }: { broken: string[] }) => broken.length > 0)).toBe(7)
      expect(steps).toHaveLength(8)
    }
  })

  it('names in JSON what a schedule is one of: run plays it by itself, an option overrides', async () => {
    const setup = ['--kernel', 'v5.9', '--policy', 'removalZap=leave', '--set', 'cpus=3']
    const { stdout } = await said(check, [race, ...setup, '--json'])
    expect(JSON.parse(stdout)).toMatchObject({
      scenario: race,
      kernel: 'v5.9',
      policies: { removalZap: 'leave' },
      params: { cpus: 3 },
    })
    const schedule = ['--schedule', file(stdout)]
    expect(await said(run, schedule)).toMatchObject({ status: 1 })
    expect(() => run.run([...schedule, '--policy', 'removalZap=zap'])).toThrow(
      'Step 8 plays differently here: waits for the page to be idle',
    )
    expect(() => run.run([...schedule, '--kernel', 'v1'])).toThrow('no kernel preset "v1"')
    expect(() => run.run(['half-a-bar', ...schedule])).toThrow(`of scenario "${race}"`)
  })

  it('prints the verdict, the properties and the schedule for a reader', () => {
    const { status, stdout } = pinhole(['check', race, '--policy', 'removalZap=leave'])
    expect(status).toBe(1)
    expect(stdout).toMatch(
      /^broken after 8 steps: Once remove\(\) is done, no CPU holds the page\./,
    )
    expect(stdout).toContain(
      'Shortest schedule to removeDoneMeansUnheld, 1 context switch, one of 20 as short:',
    )
    expect(stdout).toMatch(/^ {3}6 {2}remove +percpu_ref_kill\(\)$/m)
    expect(stdout).toMatch(
      /dying -> dead\n {4}! .*\n {4}\^ here removeDoneMeansUnheld is broken\n\n#2[\w-]+\n$/,
    )
  })

  it.each([
    ['holds', ['--set', 'cpus=4']],
    ['is broken', ['--policy', 'removalZap=leave', '--all']],
  ])('says the same with two workers, where a scenario %s', (_, setup) => {
    const args = ['check', race, ...setup, '--json']
    const [one, two] = [pinhole(args), pinhole([...args, '--workers', '2'])]
    const { seconds, statesPerSecond, ...said } = JSON.parse(one.stdout)
    expect([two.status, JSON.parse(two.stdout)]).toEqual([
      one.status,
      { ...said, seconds: expect.any(Number), statesPerSecond: expect.any(Number) },
    ])
  })

  it('says which limit stopped it, exit 3 where nothing was found by then', async () => {
    const { status, stdout } = pinhole(['check', race, '--max-states', '50', '--json'])
    const { verdict, limit, states } = JSON.parse(stdout)
    expect([status, verdict, limit]).toEqual([3, 'limit', 'states'])
    expect(states).toBe(50)
    const text = (await said(check, [race, '--max-states', '50'])).stdout
    expect(text).toMatch(/^limit: nothing is broken so far, and nothing is proved\. The search was/)
  })

  it('exits 1 for what is broken before a limit stops it', async () => {
    const leave = [race, '--policy', 'removalZap=leave', '--all', '--max-states', '120', '--json']
    const { status, stdout } = await said(check, leave)
    expect([status, JSON.parse(stdout).verdict, JSON.parse(stdout).limit]).toEqual([
      1,
      'broken',
      'states',
    ])
  })

  it('asks one property alone, or everything', () => {
    const gone = 'the-driver-is-gone'
    const one = pinhole(['check', gone, '--property', 'entryMatchesFile', '--json'])
    expect(JSON.parse(one.stdout)).toMatchObject({ property: 'entryMatchesFile' })
    const all = JSON.parse(pinhole(['check', gone, '--all', '--json']).stdout)
    const broken = all.properties.filter(({ verdict }: { verdict: string }) => verdict === 'broken')
    expect(broken.length).toBeGreaterThan(1)
    expect(all.schedule.length).toBe(
      Math.min(...broken.map((each: { depth: number }) => each.depth)),
    )
  })

  it.each([
    [['nothing'], 'There is no scenario "nothing"'],
    [[race, '--property', 'x'], 'The scenario has no property "x"; it has removeDoneMeansUnheld.'],
    [[race, '--max-states', '1e9'], '--max-states takes a whole number from 1 on, not "1e9".'],
    [[race, '--max-states=-1'], '--max-states takes a whole number'],
    [[race, '--seconds', '0'], '--seconds takes a whole number'],
    [[race, '--policy', 'removalZap'], '"removalZap" should read NAME=VALUE.'],
    [[race, '--set', 'cpus=x'], 'from 1 to 8'],
    [[race, 'more'], 'There is an argument too many: more.'],
  ])('answers %j with a sentence', (args, sentence) => {
    expect(() => check.run(args)).toThrow(UserError)
    expect(() => check.run(args)).toThrow(sentence)
  })
})
