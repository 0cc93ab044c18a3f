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

const madvise = (at: string): Action => parent('madvise', { at, advice: 'MADV_HWPOISON' })
const read = (at: string, as?: string): Action => parent('read', { at, ...(as && { as }) })
const file = { file: 'F' }

/**
 * Actions for records of `hwpoison` and `fsdax-xfs-hwpoison`, by title too. Where an access left no
 * entry behind, it was made in a process of its own, which is gone when the entry is looked at.
 */
const byTitle: Readonly<Record<string, readonly Action[]>> = {
  'thp 1: thp/1': [huge, write('A')],
  'thp 2: inject at subpage 5': [madvise('A+5')],
  'thp 3: touch 5 then 0': [read('A+5', 'a5'), read('A', 'a0')],
  'thp-pinned 1: head pinned, inject at subpage 5 (folio cannot be split)': [
    huge,
    write('A'),
    pin('A', 1),
    madvise('A+5'),
  ],
  'thp-pinned 2: touch': [read('A+5', 'a5'), read('A', 'a0')],
  'dax 1: mapped here and in child': [
    parent('create', { ...file, size: '8MiB' }),
    parent('mmap_file', { ...file, at: 'A', size: '4KiB', offset: '4KiB' }),
    fork,
    write('A'),
    { op: 'read', by: 'child', at: 'A' },
  ],
  'dax 2: madvise(MADV_HWPOISON)': [madvise('A')],
  'dax 3: touch here and in child': [
    read('A'),
    { op: 'fork', by: 'child', child: 'probe' },
    { op: 'read', by: 'probe', at: 'A', as: 'child_access' },
    { op: 'exit', by: 'probe' },
  ],
  'dax 4: read(2) of the poisoned block': [
    parent('read_at', { ...file, offset: '4KiB', length: 16 }),
  ],
  'dax 5: write(2) of the block': [parent('write_at', { ...file, offset: '4KiB', length: '4KiB' })],
  'dax 6: touch after write(2)': [read('A')],
  'dax-pmd 1: dax-pmd/1': [
    parent('create', { ...file, size: '8MiB' }),
    { op: 'write_file', by: 'other', ...file, value: '0x41' },
    parent('mmap_file', { ...file, at: 'A', size: '8MiB' }),
    write('A'),
  ],
  'dax-pmd 2: inject at subpage 5 of a pmd mapping': [madvise('A+5')],
  'dax-pmd 3: touch 5, 0': [
    parent('fork', { child: 'probe' }),
    { op: 'read', by: 'probe', at: 'A+5', as: 'a5' },
    { op: 'read', by: 'probe', at: 'A', as: 'a0' },
    { op: 'exit', by: 'probe' },
  ],
}

/** Titles by which the records are known: another recording may use the group for something else. */
const titles: Readonly<Record<string, string>> = {
  'thp 1': 'read fault in MADV_HUGEPAGE area',
  'thp-reuse 1': 'fork, child exited',
}

/** What a record without a `do` means, if its title makes it clear. */
export function ownActions({ group, n, title }: RecordedStep): readonly Action[] | undefined {
  const key = `${group} ${n}`
  const titled = `${key}: ${title}`
  if (Object.hasOwn(byTitle, titled)) return byTitle[titled]
  if (!Object.hasOwn(actions, key)) return undefined
  const expected = titles[key]
  return expected === undefined || expected === title ? actions[key] : undefined
}
