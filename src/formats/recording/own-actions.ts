import type { Action, RecordedStep } from './record'

const parent = (op: string, more: Readonly<Record<string, unknown>> = {}): Action => ({
  op,
  by: 'parent',
  ...more,
})

const write = (at: string, value = '0x11'): Action => parent('write', { at, value })
const pin = (at: string, handle: number, n = 1): Action =>
  parent('gup', { kind: 'PIN', flags: ['FOLL_WRITE'], at, handle, n })
const ungup = (handle: number): Action => parent('ungup', { handle })
const huge = parent('mmap_anon', { at: 'A', pages: 512, huge: 1 })
const fork = parent('fork', { child: 'child' })
const childExits: Action = { op: 'exit', by: 'child' }

/** Actions for records of `anon-cow` that came without, where the title says what was done. */
const actions: Readonly<Record<string, readonly Action[]>> = {
  'pin-write-on-readonly-vma ': [
    parent('mmap_anon', { at: 'A', pages: 1 }),
    write('A'),
    parent('mprotect', { at: 'A', prot: 'r' }),
    pin('A', 1),
  ],
  'thp 1': [huge, parent('read', { at: 'A' })],
  'thp 2': [write('A')],
  'thp 3': [pin('A+5', 1)],
  'thp 4': [pin('A', 2, 512)],
  'thp 5': [ungup(2)],
  'thp 6': [fork],
  'thp 7': [write('A+5', '0x33')],
  'thp 8': [ungup(1), childExits],
  'thp-reuse 1': [huge, write('A'), fork, childExits],
  'thp-reuse 2': [write('A', '0x22')],
}

/** Titles by which the records are known: another recording may use the group for something else. */
const titles: Readonly<Record<string, string>> = {
  'thp 1': 'read fault in MADV_HUGEPAGE area',
  'thp-reuse 1': 'fork, child exited',
}

/** What a record without a `do` means, if its title makes it clear. */
export function ownActions({ group, n, title }: RecordedStep): readonly Action[] | undefined {
  const key = `${group} ${n}`
  if (!Object.hasOwn(actions, key)) return undefined
  const expected = titles[key]
  return expected === undefined || expected === title ? actions[key] : undefined
}
