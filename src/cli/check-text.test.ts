import { describe, expect, it } from 'vitest'
import { file, said } from '../testing/pinhole'
import { check } from './check'
import { UserError } from './output'
import { run } from './run'

const race = 'gup-fast-vs-remove'
const unbind = ['gup-fast-and-unbind', '--kernel', 'v5.1']

describe('what pinhole check prints', () => {
  it('has every hang and livelock with its depth, though a property is broken', async () => {
    const { stdout } = await said(check, [...unbind, '--all'])
    expect(stdout).toMatch(/^broken after 23 steps: /)
    expect(stdout).toContain(
      '  remover can hang @32: nobody is left who could end its wait.\n    remover (D): waits for',
    )
    expect(stdout).toContain('  livelock @36: walker can go round for ever, in 5 steps.\n')
    expect(stdout).toContain('\nShortest schedule to noPteToDeadPgmap, 0 context switches:\n')
  })

  it.each([
    ['hang remover', 32, 'from here on remover hangs', 0],
    ['livelock', 36, 'here the round begins', 5],
    ['gupReturns', 33, 'here gupReturns is broken', 0],
  ])('has a schedule to what is asked for: %s', async (what, depth, mark, more) => {
    const { stdout } = await said(check, [...unbind, '--example', what])
    const [, schedule = ''] = stdout.split(`Shortest schedule to ${what}, `)
    const numbers = (text: string) =>
      [...text.matchAll(/^ *(\d+) {2}\w/gm)].map(([, n]) => Number(n))
    const [before = '', after = ''] = schedule.split(`    ^ ${mark}\n`)
    expect([numbers(before).at(-1), numbers(after).length]).toEqual([depth, more])
    const document = file((await said(check, [...unbind, '--example', what, '--json'])).stdout)
    const { steps } = JSON.parse((await said(run, ['--schedule', document, '--json'])).stdout)
    expect(steps).toHaveLength(depth + more)
  })

  it('counts from where the threads are free, and says after how many steps that is', async () => {
    const args = ['the-read-fault-window']
    const { stdout } = await said(check, args)
    expect(stdout).toMatch(/^broken 58 steps after the 25 that set the scene: /)
    const lines = stdout.split('\n')
    const free = lines.indexOf('      The scene is set; from here on the threads are free.')
    expect(lines[free + 1]).toMatch(/^ {2}26 {2}/)
    const mark = lines.indexOf('    ^ here noPteToDeadPgmap is broken')
    expect(lines.slice(0, mark).findLast((line) => /^ *\d+ {2}\w/.test(line))).toMatch(
      /^ {2}83 {2}/,
    )
    const { begins, schedule } = JSON.parse((await said(check, [...args, '--json'])).stdout)
    expect([begins, schedule.length]).toEqual([25, 83])
    expect(JSON.parse((await said(check, [race, '--json'])).stdout)).toMatchObject({ begins: 0 })
  })

  it('says of what is broken at once that the threads were not free then', async () => {
    const { stdout } = await said(check, ['the-mapper-comes-back', '--kernel', 'v4.14'])
    expect(stdout).toMatch(
      /^broken before the threads are free, in the \d+ steps that set the scene: /,
    )
  })

  it('says that there is nothing to interleave, and of what that is no proof', async () => {
    const { status, stdout } = await said(check, ['qemu-q35-pmem'])
    expect(status).toBe(0)
    expect(stdout).toMatch(
      /^holds: there is nothing to interleave, since no thread has anything to do\.\n/,
    )
    expect(stdout).toMatch(/^ {2}noPinWithoutPage +not applicable +Every page/m)
    expect(stdout).toContain('\n1 state, 0 transitions, depth 0; ')
  })

  it('says in words what was left out', async () => {
    const args = [race, '--set', 'cpus=4', '--reduce']
    const words = [
      'threads that are alike taken for each other',
      'each thread’s own moves first',
    ] as const
    expect((await said(check, [...args, 'symmetry'])).stdout).toContain(
      `\n765 states, ${words[0]}; `,
    )
    expect((await said(check, [...args, 'localFirst,symmetry'])).stdout).toContain(
      `states, ${words[0]}, ${words[1]}; `,
    )
    const json = JSON.parse((await said(check, [...args, 'symmetry', '--json'])).stdout)
    expect(json).toMatchObject({ isReduced: true, verdict: 'holds', states: 765 })
  })

  it.each([
    ['a property is broken', [race, '--policy', 'removalZap=leave']],
    ['no threads are alike', ['umount-while-pinned']],
  ])('says that nothing was left out, where %s', async (_, args) => {
    const plain = JSON.parse((await said(check, [...args, '--json'])).stdout)
    const reduced = await said(check, [...args, '--reduce', 'symmetry', '--json'])
    const { seconds, statesPerSecond, ...same } = plain
    expect(JSON.parse(reduced.stdout)).toMatchObject({ ...same, isReduced: false })
    const { stdout } = await said(check, [...args, '--reduce', 'symmetry'])
    expect(stdout).toContain('\n  Nothing was left out: ')
  })

  it('says that nothing leads to what does not happen, and judges by what does', async () => {
    const { status, stdout } = await said(check, [race, '--example', 'hang cpu0'])
    expect(status).toBe(0)
    expect(stdout).toMatch(/\nNo schedule leads to hang cpu0\.\n$/)
  })

  it('says why nothing is known of hangs and livelocks', async () => {
    const asked = [race, '--property', 'removeDoneMeansUnheld']
    expect((await said(check, asked)).stdout).toContain('Hangs and livelocks were not asked for')
    const json = async (args: string[]) =>
      JSON.parse((await said(check, [...args, '--json'])).stdout).hangsAndLivelocks
    expect(await json(asked)).toBe('notAsked')
    expect(await json([race])).toBe('known')
    const broken = [race, '--policy', 'removalZap=leave']
    expect(await json(broken)).toBe('open')
    expect((await said(check, broken)).stdout).toContain('ended at what is broken; --all goes on.')
  })

  it.each([
    [
      [race, '--example', 'x'],
      'known are removeDoneMeansUnheld, hang cpu0, hang cpu1, hang remove',
    ],
    [[race, '--reduce', 'all'], '--reduce takes symmetry and localFirst, with a comma between'],
    [[race, '--example', 'hang cpu2'], 'There is no schedule to "hang cpu2"'],
    [
      [race, '--example', 'livelock', '--property', 'removeDoneMeansUnheld'],
      '--property asks for no hangs and livelocks',
    ],
  ])('answers %j with a sentence', (args, sentence) => {
    expect(() => check.run(args)).toThrow(UserError)
    expect(() => check.run(args)).toThrow(sentence)
  })
})
