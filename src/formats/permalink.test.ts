import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { operations } from '../linux/operations'
import type { Choice } from '../machine'
import { scenarios } from '../scenarios'
import { openScenario } from '../scenarios/open'
import { checksOf, compareChecks } from './link-checks'
import { type LinkState, readLink, writeLink } from './permalink'

const base: LinkState = {
  scenario: 'the-driver-is-gone',
  preset: 'v6.12',
  policies: {},
  params: {},
  cursor: 0,
}

const begun = operations.filter(({ start }) => start !== undefined)
const start: fc.Arbitrary<Choice> = fc
  .record({
    task: fc.integer({ min: 1, max: 9 }),
    operation: fc.constantFrom(...begun),
    seed: fc.integer({ min: -(2 ** 52) + 1, max: 2 ** 52 - 1 }),
    text: fc.string({ unit: 'grapheme-ascii', maxLength: 20 }),
  })
  .map(({ task, operation, seed, text }) => ({
    kind: 'start',
    task,
    operation: operation.name,
    args: Object.fromEntries(
      Object.entries(operation.params).map(([name, field]) => [
        name,
        typeof field.initial === 'string' ? text : seed,
      ]),
    ),
  }))
const step: fc.Arbitrary<Choice> = fc.record({
  kind: fc.constant('step' as const),
  task: fc.integer({ min: 1, max: 9 }),
  choice: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 3 })),
})
const state: fc.Arbitrary<LinkState> = fc.record({
  scenario: fc.constantFrom(...scenarios.map(({ name }) => name)),
  preset: fc.constant('v6.12'),
  policies: fc.constantFrom({}, { filesystem: 'ext4' }),
  params: fc.constantFrom({}, { cpus: 3 }),
  cursor: fc.nat(5000),
  choices: fc.array(fc.oneof(start, step), { maxLength: 40 }),
  checks: fc.array(fc.nat(255), { maxLength: 10 }),
})

describe('a link', () => {
  it('reads back as what was written', () => {
    fc.assert(
      fc.property(state, (made) => {
        const read = readLink(writeLink(made))
        expect(read.ok && read.value).toEqual(made)
      }),
    )
  })

  it('survives what mails and chats do to it', () => {
    fc.assert(
      fc.property(state, (made) => {
        const link = writeLink(made)
        const wrapped = link.replace(/(.{60})/g, '$1\n> ')
        for (const text of [
          `https://x.org/a/#${link}`,
          `<https://x.org/?a=b%23${link}>.`,
          `> #${wrapped}`,
          `#${link}=`,
        ]) {
          const read = readLink(text)
          expect(read.ok && read.value).toEqual(made)
        }
      }),
      { numRuns: 50 },
    )
  })

  it('names a scenario and a moment in words where nothing else was chosen', () => {
    const plain = { ...base, preset: '', cursor: 73 }
    expect(writeLink(plain)).toBe('s/the-driver-is-gone@73')
    expect(readLink('#s/the-driver-is-gone@73')).toMatchObject({ ok: true, value: plain })
  })

  it('keeps a kernel that was chosen, and nothing else', () => {
    const read = readLink(writeLink({ ...base, preset: 'v5.8' }))
    expect(read).toMatchObject({ ok: true, value: { preset: 'v5.8', policies: {} } })
  })

  it('is short: the whole story of a library scenario fits 300 characters', () => {
    const opened = openScenario(scenarios[0] as never)
    if (typeof opened === 'string') throw new Error(opened)
    const { timeline } = opened
    timeline.seek(timeline.length)
    const link = writeLink({
      ...base,
      cursor: 50,
      choices: timeline.branch.choices,
      checks: checksOf(timeline.moments),
    })
    expect(link.length).toBeLessThanOrEqual(300)
  })

  it('is answered by one sentence where it is damaged, and never by an exception', () => {
    const damage = fc.record({
      at: fc.nat(),
      to: fc.constantFrom('A', '9', '_', '!', '', '%', '\u0000', '<'),
    })
    fc.assert(
      fc.property(state, fc.array(damage, { minLength: 1, maxLength: 4 }), (made, damages) => {
        let text = writeLink(made)
        for (const { at, to } of damages) {
          const i = at % text.length
          text = text.slice(0, i) + to + text.slice(i + 1)
        }
        const read = readLink(text)
        if (!read.ok) expect(read.error.sentence).toMatch(/^[^\n]{10,300}$/)
      }),
      { numRuns: 500 },
    )
  })

  it('of version 1 still opens, with what it did not say as it was then', () => {
    const old =
      '1EnRoZS1kcml2ZXItaXMtZ29uZQV2Ni4xMgEKZmlsZXN5c3RlbQN4ZnMACgEUBQGAwMug_wEiBA8FAYLgy6D_ASQEAwJxBA'
    const read = readLink(old)
    if (!read.ok) throw new Error(read.error.sentence)
    expect(read.value).toMatchObject({ scenario: 'the-driver-is-gone', cursor: 10 })
    expect(read.value.choices?.[0]).toMatchObject({
      operation: 'userStore',
      args: { value: 0x11, offset: 0 },
    })
    expect(read.value.choices).toHaveLength(20)
  })

  it.each([
    ['', 'The link is empty.'],
    ['3abc', 'newer version (3)'],
    ['hello', 'not a link of Pinhole'],
    ['1!!!!', 'characters that no link has'],
    ['1', 'ends too early'],
    [`1${'A'.repeat(70_000)}`, 'longer than any'],
  ])('answers %.20s with a sentence', (text, sentence) => {
    const read = readLink(text)
    expect(read.ok ? '' : read.error.sentence).toContain(sentence)
  })

  it('says between which steps another version plays differently', () => {
    expect(compareChecks([1, 2, 3], [1, 9, 3])).toContain('between 9 and 16')
    expect(compareChecks([1, 2, 3], [1, 2])).toBeUndefined()
  })

  it('of the first release still opens', () => {
    for (const golden of ['s/the-driver-is-gone@73', 's/gup-fast-vs-remove'])
      expect(readLink(golden).ok).toBe(true)
  })
})

describe('the list of operations', () => {
  it('only grows at its end: links count places in it', () => {
    expect(
      operations
        .slice(0, 33)
        .map(({ name }) => name)
        .join(' '),
    ).toMatchInlineSnapshot(
      `"userLoad userStore handle_mm_fault dax_iomap_fault dax_writeback_mapping_range do_mmap do_munmap pin_user_pages_fast get_user_pages_fast __get_user_pages unpin_user_pages createFile writeFile xfs_break_layouts xfs_vn_setattr xfs_file_fallocate ext4_break_layouts ext4_setattr ext4_punch_hole path_umount fs_bdev_mark_dead del_gendisk kill_dax pmem_attach_disk pmem_release_disk __device_release_driver memremap_pages memunmap_pages __request_region __release_region gup_fast_pin_once remove_once path_mount"`,
    )
  })
})
