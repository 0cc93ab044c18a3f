import { describe, expect, it } from 'vitest'
import { pinhole, said } from '../testing/pinhole'
import { check } from './check'
import { compare } from './compare'
import { list } from './list'
import { UserError } from './output'
import { promelaCommand } from './promela'
import { verdictsCommand } from './verdicts'

const race = 'gup-fast-vs-remove'

describe('arguments of a command', () => {
  it.each([
    [check, [], 'Name a scenario; the command list prints them.'],
    [check, [race, '--max-states', '-1'], 'takes a whole number from 1 on, not "-1".'],
    [check, [race, '--max-states', '9007199254740992'], 'takes at most 9007199254740991.'],
    [check, [race, '--kernel', 'v5.1', '--kernel', 'v5.9'], '--kernel is given twice'],
    [check, [race, '--set', 'cpus=1', '--set', 'cpus=2'], '"cpus" is given twice'],
    [check, [race, '--policy', 'a=b', '--policy', 'a=c'], '"a" is given twice'],
    [check, [race, '--kernel', '--json'], '--kernel wants a value.'],
    [check, [race, '--kernel'], '--kernel wants a value.'],
    [check, [race, '--json=yes'], '--json takes no value.'],
    [check, [race, '-x'], 'There is no option "-x"; known are --kernel, --policy, --set,'],
    [check, [race, '--toString'], 'There is no option "--toString"'],
    [promelaCommand, [race, '--property', 'a', '--property', 'b'], '--property is given twice'],
    [promelaCommand, [race, '--property', 'x'], 'removeDoneMeansUnheld. "x" is none.'],
    [verdictsCommand, ['x'], 'There is no scenario "x"; known are the-driver-is-gone, '],
    [
      compare,
      [race, '--a', 'v5.1', '--b', 'v5.9', '--max-states', '9'],
      '--max-states is for a search: give --space too.',
    ],
    [
      compare,
      [race, '--a', 'v5.1,removalZap=zap,removalZap=leave', '--b', 'v5.9'],
      '"removalZap" is given twice',
    ],
  ])('that are wrong are answered with a sentence: %#', (command, args, sentence) => {
    expect(() => command.run(args)).toThrow(UserError)
    expect(() => command.run(args)).toThrow(sentence)
  })

  it('may be given more than once where they name different things', async () => {
    const twice = ['--property', 'noDeadlock', '--property', 'conservation']
    const asked = ['umount-while-pinned', ...twice, '--json']
    const { stdout } = await said(check, asked)
    const names = JSON.parse(stdout).properties.map(({ name }: { name: string }) => name)
    expect(names).toEqual(['noDeadlock', 'conservation'])
  })

  it('may be as large as a number can be', async () => {
    const most = String(Number.MAX_SAFE_INTEGER)
    expect((await said(check, [race, '--max-states', most])).status).toBe(0)
    const long = ['check', race, '--set', 'cpus=5', '--seconds', most, '--workers', '2', '--json']
    expect(JSON.parse(pinhole(long).stdout)).toMatchObject({ verdict: 'holds', states: 66_625 })
  })
})

describe('help', () => {
  it('is printed for every command, and says what the exit codes are', () => {
    const { status, stdout } = pinhole(['help'])
    expect([pinhole(['--help']), pinhole(['-h']), pinhole([])]).toEqual(
      Array(3).fill({ status, stdout, stderr: '' }),
    )
    expect(status).toBe(0)
    expect(stdout).toContain('3: a search was stopped and has found nothing.')
    expect(stdout).toContain('holds (exit 0), broken, hang or livelock (exit 1), or limit')
  })

  it.each(['--help', '-h'])('is of one command after its name: %s', (asked) => {
    const { status, stdout, stderr } = pinhole(['check', 'nonsense', asked])
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^check SCENARIO .*\n {4}Every interleaving/)
  })
})

describe('pinhole list', () => {
  it('leaves a gap behind every name', async () => {
    const { stdout } = await said(list, [])
    const lines = stdout.split('\n').filter((line) => line.startsWith('  '))
    expect(lines.filter((line) => !/^ {2}\S+ {2,}\S/.test(line))).toEqual([])
    expect(stdout).toContain('two-creators-the-initcall-loses  Two creators')
  })
})
