import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { writeLink } from '../formats/permalink'
import { file, pinhole, said } from '../testing/pinhole'
import { run } from './run'

const fixtures = 'src/formats/fixtures'

describe('pinhole import', () => {
  it('prints the tree of a real machine', () => {
    const { status, stdout } = pinhole([
      'import',
      `${fixtures}/qemu-q35-cxl-window.iomem.txt`,
      '--json',
    ])
    const { kind, tree, warnings } = JSON.parse(stdout)
    expect([status, kind, warnings]).toEqual([0, 'iomem', []])
    expect(tree).toContainEqual({
      start: '0x230000000',
      end: '0x32fffffff',
      name: 'CXL Window 0',
      children: [],
    })
  })

  it.each([
    ['garbage', 'hello\nworld'],
    ['a truncated line', '00000000-00000fff : Reserved\n00001000-0009fb'],
    ['a child outside its parent', '00100000-001fffff : a\n  00200000-002fffff : b'],
    ['a file beyond the limit of lines', '00000000-00000fff : x\n'.repeat(200_001)],
    ['binary', '\u0000\u0001\u0002ELF'],
    ['an empty file', ''],
  ])('answers %s with one sentence and exit 2', (_, text) => {
    const { status, stdout, stderr } = pinhole(['import', file(text), '--json'])
    expect([status, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(/^[^\n]{20,300}\n$/)
  })
})

describe('pinhole replay', () => {
  it('agrees with the recording, exit 0; and says where it does not, exit 1', () => {
    const path = `${fixtures}/recordings/fsdax-xfs-unbind.jsonl`
    const { status, stdout } = pinhole(['replay', path, '--json'])
    expect([status, JSON.parse(stdout).agreed]).toEqual([0, 75])
    const header = '{"kernelRecording": 1, "name": "x", "kernel": "6.12"}'
    const step = {
      group: 'g',
      n: '1',
      do: [{ op: 'umount', by: 'other' }],
      see: { umount: { ret: -7 } },
    }
    const wrong = pinhole(['replay', file(`${header}\n${JSON.stringify(step)}`)])
    expect(wrong.status).toBe(1)
    expect(wrong.stdout).toContain('g 1, umount.ret: kernel -7, engine 0')
  })
})

describe('pinhole run and list', () => {
  it('prints the trace, and exits 1 where a property breaks', () => {
    const { status, stdout } = pinhole(['run', 'the-driver-is-gone', '--json'])
    expect(status).toBe(1)
    const { steps } = JSON.parse(stdout)
    expect(steps).toHaveLength(129)
    expect(steps.flatMap((each: { broken: string[] }) => each.broken)).toEqual([
      expect.stringContaining('No present PTE maps a page whose pgmap is dead.'),
      expect.stringContaining('which is no page of /mnt/a there'),
    ])
    expect(pinhole(['run', 'gup-fast-vs-remove', '--set', 'cpus=3']).status).toBe(0)
  })

  it('plays the story of a link under its kernel and policies', async () => {
    const names = { scenario: 'the-driver-is-gone', preset: 'v5.1', cursor: 0 }
    const link = `#${writeLink({ ...names, policies: { filesystem: 'ext4' }, params: {} })}`
    const setup = ['--kernel', 'v5.1', '--policy', 'filesystem=ext4']
    const plain = await said(run, ['the-driver-is-gone', ...setup])
    expect(await said(run, ['--schedule', link])).toEqual(plain)
    expect(await said(run, ['the-driver-is-gone', '--kernel', 'v5.1'])).not.toEqual(plain)
  })

  it.each([
    ['list', 0],
    [`run the-driver-is-gone`, 1],
    [`check gup-fast-vs-remove --policy removalZap=leave --all`, 1],
  ])('ends quietly, and as it would, where nobody reads what it prints: %s', (args, status) => {
    const script = `{ node_modules/.bin/tsx src/cli/main.ts ${args}; echo "exit $?" >&2; } | true`
    expect(spawnSync('sh', ['-c', script], { encoding: 'utf8' }).stderr).toBe(`exit ${status}\n`)
  })

  it('lists what there is', () => {
    const { status, stdout } = pinhole(['list', '--json'])
    expect(status).toBe(0)
    expect(Object.keys(JSON.parse(stdout))).toEqual([
      'scenarios',
      'policies',
      'presets',
      'properties',
      'operations',
    ])
  })

  it.each([
    [['run', 'nothing'], 'There is no scenario "nothing"'],
    [['run', 'gup-fast-vs-remove', '--set', 'cpus=99'], 'from 1 to 8'],
    [['run', 'the-driver-is-gone', '--policy', 'filesystem=zfs'], 'no value "zfs"'],
    [['run', 'the-driver-is-gone', '--kernel', 'v1'], 'no kernel preset "v1"'],
    [['run', 'the-driver-is-gone', '--nonsense'], 'nonsense'],
    [['run', '--schedule', '#s/nothing'], 'There is no scenario "nothing"'],
    [['explode'], 'There is no command "explode"'],
    [['replay', 'no-such-file'], 'cannot be read: ENOENT'],
  ])('answers %j with a sentence and exit 2', (args, sentence) => {
    const { status, stdout, stderr } = pinhole(args)
    expect([status, stdout]).toEqual([2, ''])
    expect(stderr).toContain(sentence)
  })
})
