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

const a = { file: '/mnt/a' }
const hole = { file: '/mnt/hole' }
const look = (at: string, as = 'walk', by = 'parent'): Action => ({ op: 'look', by, at, as })
const gup = (kind: string, at: string, handle: number, ...flags: readonly string[]): Action =>
  parent('gup', { kind, flags: flags.map((flag) => `FOLL_${flag}`), at, handle })
const fsync: Action = { op: 'fsync', by: 'other', ...a }
const small = { ...a, size: '16KiB', offset: '8MiB+4KiB' }

/**
 * Actions for records of `fsdax-xfs-basic`. A is the large mapping, S the small one and P the private
 * one; what was pinned was put before the next record.
 */
const basic: Readonly<Record<string, readonly Action[]>> = {
  'file 0: file made (fallocate 16M, written)': [
    parent('create', { ...a, size: '16MiB' }),
    { op: 'write_file', by: 'other', ...a, value: '0x41' },
  ],
  'file 1: mmap MAP_SHARED_VALIDATE|MAP_SYNC': [
    parent('mmap_file', { ...a, at: 'A', size: '8MiB', flags: ['MAP_SYNC'] }),
  ],
  'file 2: read fault at 2M-aligned address and offset': [read('A')],
  'file 3: write fault': [write('A')],
  'file 3b: write fault directly on next 2M': [write('A+512'), look('A+512')],
  'file 4: small misaligned mapping, read fault': [
    parent('mmap_file', { ...small, at: 'S' }),
    read('S'),
    look('S'),
  ],
  'file 4b: write': [write('S', '0x12'), look('S')],
  'file 5: same page mapped 2x here and (after touch) in a forked child': [
    parent('mmap_file', { ...small, at: 'S2' }),
    read('S2'),
    look('S2', 'second_mapping'),
    look('S'),
    fork,
    look('S', 'child_before_touch', 'child'),
    { op: 'read', by: 'child', at: 'S', as: 'child_access' },
    look('S', 'child_after', 'child'),
    childExits,
  ],
  'file 6: FOLL_PIN|FOLL_WRITE on pte-mapped page': [gup('PIN', 'S', 1, 'WRITE'), look('S')],
  'file 6: FOLL_PIN on pte-mapped page': [ungup(1), gup('PIN', 'S', 2), look('S')],
  'file 6: FOLL_PIN|FOLL_WRITE|FOLL_LONGTERM on pte-mapped page': [
    ungup(2),
    gup('PIN', 'S', 3, 'WRITE', 'LONGTERM'),
    look('S'),
  ],
  'file 6: FOLL_PIN|FOLL_LONGTERM on pte-mapped page': [gup('PIN', 'S', 3, 'LONGTERM'), look('S')],
  'file 6: FOLL_GET on pte-mapped page': [gup('GET', 'S', 3, 'WRITE'), look('S')],
  'file 6: FOLL_GET|FOLL_LONGTERM on pte-mapped page': [
    ungup(3),
    gup('GET', 'S', 4, 'WRITE', 'LONGTERM'),
  ],
  'file 7: FOLL_PIN 512 pages of the pmd mapping': [pin('A', 4, 512)],
  'file 7b: released': [ungup(4)],
  'file 7c: LONGTERM on pmd mapping': [gup('PIN', 'A', 5, 'WRITE', 'LONGTERM')],
  'file 8: MAP_PRIVATE read': [
    parent('mmap_file', { ...small, at: 'P', flags: ['MAP_PRIVATE'] }),
    read('P'),
    look('P'),
  ],
  'file 8b: MAP_PRIVATE write (COW to anon)': [write('P', '0x34'), look('P')],
  'file 8c: LONGTERM pin on the anon page inside the MAP_PRIVATE dax vma': [
    gup('PIN', 'P', 5, 'WRITE', 'LONGTERM'),
  ],
  'file 9: read fault in a hole (aligned)': [
    ungup(5),
    parent('create', { ...hole, size: '8MiB' }),
    parent('punch_hole', { ...hole, offset: 0, length: '8MiB' }),
    parent('mmap_file', { ...hole, at: 'H', size: '8MiB' }),
    read('H'),
    look('H'),
  ],
  'file 9b: write fault in the hole': [write('H'), look('H')],
  'file 9c: read fault in a hole (misaligned vma, 4K)': [
    parent('mmap_file', { ...hole, at: 'H2', size: '4KiB', offset: '4MiB+4KiB' }),
    read('H2'),
    look('H2'),
  ],
  'file 10: fsync after dirtying (non-MAP_SYNC mapping): write-protected again?': [
    look('S', 'before'),
    fsync,
    look('S', 'after'),
  ],
  'file 10b: write again': [write('S'), look('S')],
  'file 10c: same on MAP_SYNC pmd mapping': [
    write('A'),
    look('A', 'before'),
    fsync,
    look('A', 'after'),
  ],
  'file 11: all unmapped': ['A', 'S', 'S2', 'P', 'H', 'H2'].map((at) => parent('munmap', { at })),
  'file 12: truncated to 0 (block freed)': [parent('truncate', { ...a, size: 0 })],
}

/** Titles by which the records are known: another recording may use the group for something else. */
const titles: Readonly<Record<string, string>> = {
  'thp 1': 'read fault in MADV_HUGEPAGE area',
  'thp-reuse 1': 'fork, child exited',
}

/** What records of `devmem` did besides what they say: they looked through /dev/mem, or into an area. */
const besides: Readonly<Record<string, Action>> = {
  'driver request_mem_region on the first 2 of the 4 pages': parent('pread_phys'),
  'new mmap of the unclaimed pages only': parent('read', { at: 'C', as: 'access2' }),
}

/** Everything that a record did; undefined where nobody knows. */
export function actionsOf(step: RecordedStep): readonly Action[] | undefined {
  const actions = step.do ?? ownActions(step)
  const more = Object.hasOwn(besides, step.title) ? besides[step.title] : undefined
  const isSeen = more?.['as'] === undefined || Object.hasOwn(step.see, String(more['as']))
  return actions === undefined || more === undefined || !isSeen ? actions : [...actions, more]
}

/** What a record without a `do` means, if its title makes it clear. */
export function ownActions({ group, n, title }: RecordedStep): readonly Action[] | undefined {
  const key = `${group} ${n}`
  const titled = `${key}: ${title}`
  const own = [byTitle, basic].find((each) => Object.hasOwn(each, titled))
  if (own !== undefined) return own[titled]
  if (!Object.hasOwn(actions, key)) return undefined
  const expected = titles[key]
  return expected === undefined || expected === title ? actions[key] : undefined
}
