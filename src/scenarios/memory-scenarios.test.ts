import { describe, expect, it } from 'vitest'
import { pipe_read, vmsplice_to_pipe } from '../linux/fs/splice'
import { kernel_clone } from '../linux/kernel/fork'
import { get_user_pages_fast, pin_user_pages_fast } from '../linux/mm/gup'
import { do_munmap, mapAnonymous } from '../linux/mm/mmap'
import { userStore } from '../linux/mm/user-access'
import { shrink_folio_list } from '../linux/mm/vmscan'
import { presets } from '../linux/presets'
import { bootMemory, bootUntouched, P } from '../testing/memory-kernel'
import { scenarios } from '.'
import { aStaleReference } from './a-stale-reference'
import { aThousandChildren } from './a-thousand-children'
import { clearRefsOnAPinnedVm } from './clear-refs-on-a-pinned-vm'
import { directIoAndFork } from './direct-io-and-fork'
import { forkRacesAPin } from './fork-races-a-pin'
import { ksmAndAPin } from './ksm-and-a-pin'
import { counters, mappedBy } from './memory-story'
import { mprotectUnderDma } from './mprotect-under-dma'
import { openScenario } from './open'
import { rdmaAndFork } from './rdma-and-fork'
import type { Scenario } from './scenario'
import { swappedUnderIo } from './swapped-under-io'
import { theIdenticalEntry } from './the-identical-entry'
import { vmspliceLeak } from './vmsplice-leak'

/** What users were promised; the other properties are the kernel’s own book-keeping. */
const PROMISES = ['gupCoherency', 'cowIsolation', 'noLostDma']

/** Plays the whole story, and tells which properties broke on the way. */
function play(
  scenario: Scenario,
  preset: string,
  policies: Readonly<Record<string, string>> = {},
  params: Readonly<Record<string, number>> = {},
) {
  const opened = openScenario(scenario, { preset, policies, params })
  if (typeof opened === 'string') throw new Error(opened)
  expect(opened.timeline.seek(Number.MAX_SAFE_INTEGER)).toBeUndefined()
  const broken = opened.timeline
    .standings()
    .filter(({ invariant, since }) => invariant.kind === 'always' && since !== undefined)
    .map(({ invariant }) => invariant.name)
  const verdict = broken.some((name) => PROMISES.includes(name)) ? '✘' : '✔'
  return { kernel: opened.timeline.kernel, broken, verdict, passages: opened.passages }
}

type Cell = readonly [
  scenario: Scenario,
  preset: string,
  policies: Record<string, string>,
  '✔' | '✘',
]

/** §4.3 of the pins sheet, cell by cell; where a cell says “depends”, both ways. */
const table: Readonly<Record<string, readonly Cell[]>> = {
  '[A] vmsplice leak': [
    [vmspliceLeak, 'v4.14', {}, '✘'],
    [vmspliceLeak, 'v5.1', {}, '✘'],
    [vmspliceLeak, 'v5.7', {}, '✘'],
    [vmspliceLeak, 'v5.8', {}, '✔'],
    [vmspliceLeak, 'v5.9', {}, '✔'],
    [vmspliceLeak, 'v5.18', {}, '✔'],
    [vmspliceLeak, 'andrea-2021', {}, '✘'],
    [vmspliceLeak, 'andrea-2021', { vmsplice: 'longterm' }, '✔'],
    [vmspliceLeak, 'andrea-2021', { gupRead: 'breakCow' }, '✔'],
    [vmspliceLeak, 'jason-2021', {}, '✔'],
    [vmspliceLeak, 'jason-2021', { vmsplice: 'longterm' }, '✔'],
    [vmspliceLeak, 'v5.19', {}, '✔'],
    [vmspliceLeak, 'v6.12', {}, '✔'],
  ],
  '[B] pin, fork, parent writes': [
    [rdmaAndFork, 'v4.14', {}, '✘'],
    [rdmaAndFork, 'v5.7', {}, '✘'],
    [rdmaAndFork, 'v5.8', {}, '✘'],
    [rdmaAndFork, 'v5.9', {}, '✔'],
    [forkRacesAPin, 'v5.9', {}, '✘'],
    [forkRacesAPin, 'v5.11', {}, '✔'],
    [rdmaAndFork, 'v5.9', { pinCount: 'one' }, '✘'],
    [rdmaAndFork, 'andrea-2021', {}, '✔'],
    [rdmaAndFork, 'andrea-2021', { forkCopy: 'share' }, '✘'],
    [rdmaAndFork, 'jason-2021', {}, '✔'],
    [rdmaAndFork, 'jason-2021', { forkCopy: 'share' }, '✘'],
    [rdmaAndFork, 'v5.19', {}, '✔'],
    [rdmaAndFork, 'v6.12', {}, '✔'],
    [rdmaAndFork, 'v6.12', { pinCount: 'one' }, '✘'],
  ],
  '[C] O_DIRECT read against fork': [
    [directIoAndFork, 'v5.1', {}, '✘'],
    [directIoAndFork, 'v5.8', {}, '✘'],
    [directIoAndFork, 'v5.9', {}, '✘'],
    [directIoAndFork, 'v5.18', {}, '✘'],
    [directIoAndFork, 'andrea-2021', {}, '✘'],
    [directIoAndFork, 'andrea-2021', { forkCopy: 'gup' }, '✔'],
    [directIoAndFork, 'jason-2021', {}, '✘'],
    [directIoAndFork, 'jason-2021', { forkCopy: 'gup' }, '✔'],
    [directIoAndFork, 'v5.19', {}, '✘'],
    [directIoAndFork, 'v6.2', {}, '✘'],
    [directIoAndFork, 'v6.5', {}, '✔'],
    [directIoAndFork, 'v6.12', {}, '✔'],
  ],
  '[D] clear_refs(4) on a pinned page': [
    [clearRefsOnAPinnedVm, 'v5.7', {}, '✔'],
    [clearRefsOnAPinnedVm, 'v5.8', {}, '✔'],
    [clearRefsOnAPinnedVm, 'v5.9', {}, '✘'],
    [clearRefsOnAPinnedVm, 'v5.11', {}, '✔'],
    [clearRefsOnAPinnedVm, 'v5.18', { clearRefs: 'all' }, '✘'],
    [clearRefsOnAPinnedVm, 'andrea-2021', { clearRefs: 'all' }, '✔'],
    [clearRefsOnAPinnedVm, 'jason-2021', { clearRefs: 'all' }, '✔'],
    [clearRefsOnAPinnedVm, 'linus-2021', { clearRefs: 'all' }, '✔'],
    [clearRefsOnAPinnedVm, 'v6.12', { clearRefs: 'all' }, '✔'],
    [clearRefsOnAPinnedVm, 'v6.12', {}, '✔'],
  ],
  '[F] swap-out with an extra reference, read and then written': [
    [swappedUnderIo, 'v5.7', {}, '✔'],
    [swappedUnderIo, 'v5.8', {}, '✔'],
    [swappedUnderIo, 'v5.9', {}, '✘'],
    [swappedUnderIo, 'v5.14', {}, '✘'],
    [swappedUnderIo, 'andrea-2021', {}, '✔'],
    [swappedUnderIo, 'jason-2021', {}, '✔'],
    [swappedUnderIo, 'v5.19', {}, '✔'],
    [swappedUnderIo, 'v6.12', {}, '✔'],
  ],
  '[G] mprotect(PROT_READ) and back under DMA': [
    [mprotectUnderDma, 'v5.7', {}, '✔'],
    [mprotectUnderDma, 'v5.8', {}, '✔'],
    [mprotectUnderDma, 'v5.9', {}, '✘'],
    [mprotectUnderDma, 'v5.18', {}, '✘'],
    [mprotectUnderDma, 'andrea-2021', {}, '✔'],
    [mprotectUnderDma, 'jason-2021', {}, '✔'],
    [mprotectUnderDma, 'v5.19', {}, '✔'],
    [mprotectUnderDma, 'v6.12', {}, '✔'],
  ],
  '[H] KSM and a pinned page': [
    [ksmAndAPin, 'v4.14', {}, '✔'],
    [ksmAndAPin, 'v5.7', {}, '✔'],
    [ksmAndAPin, 'v5.8', {}, '✔'],
    [ksmAndAPin, 'v5.9', {}, '✔'],
    [ksmAndAPin, 'andrea-2021', {}, '✔'],
    [ksmAndAPin, 'jason-2021', {}, '✔'],
    [ksmAndAPin, 'v6.12', {}, '✔'],
  ],
}

const setting = (policies: Record<string, string>): string =>
  Object.entries(policies)
    .map(([name, value]) => ` with ${name} ${value}`)
    .join('')

describe.each(Object.entries(table))('%s', (_, cells) => {
  it.each(
    cells.map(([scenario, preset, policies, verdict]) => ({
      name: `${scenario.name} under ${preset}${setting(policies)}`,
      scenario,
      preset,
      policies,
      verdict,
    })),
  )('$name: $verdict', ({ scenario, preset, policies, verdict }) => {
    expect(play(scenario, preset, policies).verdict).toBe(verdict)
  })
})

describe('[E] a speculative reference', () => {
  it.each([
    ['v5.7', false],
    ['v5.8', false],
    ['v5.9', true],
    ['v5.18', true],
    ['andrea-2021', false],
    ['jason-2021', false],
    ['v6.12', true],
  ])('under %s makes the owner of a formerly shared page copy: %s', (preset, copies) => {
    const { kernel, broken } = play(aStaleReference, preset)
    expect(mappedBy(kernel, 'B', 'mine') !== P).toBe(copies)
    expect(broken).toEqual([])
  })

  it.each([
    ['v5.9', true],
    ['v6.12', false],
  ])('under %s makes the owner of an exclusive page copy: %s', (preset, copies) => {
    const k = bootMemory({ preset, policies: { clearRefs: 'all' } })
    k.task('thread 2')
      .begins(get_user_pages_fast, { start: k.vpn, pages: 1, write: 0, longterm: 0, force: 0 })
      .finishes()
    const pte = k.kernel.ptes.in(1).at(k.vpn)
    pte.flags &= ~2
    k.kernel.tlb.in(k.task('parent').id).clear(0, 2 ** 35)
    k.task('parent').begins(userStore, { vpn: k.vpn, value: 2, offset: 0 }).finishes()
    expect(k.entry('parent') === 'Q RW').toBe(copies)
  })
})

describe('[F] in (ii), a page under I/O that is written at once when it comes back', () => {
  it.each(['v5.9', 'v5.14'])('is the same page in %s', (preset) => {
    const k = bootMemory({ preset })
    const args = { start: k.vpn, pages: 1, write: 1, longterm: 0, force: 0 }
    k.task('thread 2').begins(get_user_pages_fast, args).finishes()
    k.task('kswapd0').begins(shrink_folio_list, { pfn: P }).finishes()
    expect(k.entry('parent')).toBe('swap')
    k.task('parent').begins(userStore, { vpn: k.vpn, value: 2, offset: 0 }).finishes()
    expect(k.entry('parent')).toBe('P RW')
  })

  it('is not swapped out at all since 5.11 if it is pinned', () => {
    const k = bootMemory({ preset: 'v5.11' })
    const args = { start: k.vpn, pages: 1, write: 1, longterm: 0, force: 0 }
    k.task('thread 2').begins(pin_user_pages_fast, args).finishes()
    k.task('kswapd0').begins(shrink_folio_list, { pfn: P }).finishes()
    expect(k.entry('parent')).toBe('P RW')
  })
})

describe('[A] with a huge page', () => {
  it.each([
    ['v5.9', 0x53],
    ['v5.14', 0x53],
    ['v5.18', 0x50],
    ['v6.12', 0x50],
  ])('under %s the child reads 0x%s', (preset, byte) => {
    const k = bootUntouched({
      preset,
      machine: { normal: { start: 0x8000, pages: 2048 }, sizes: { tasks: 14, mms: 5, vmas: 12 } },
    })
    const parent = k.task('parent')
    parent.begins(mapAnonymous, { pages: 512, huge: 1, label: 'huge' }).finishes()
    const vpn = k.kernel.vmas.find(({ label }) => label === 'huge')?.vm_start ?? 0
    parent.begins(userStore, { vpn, value: 0x50, offset: 0 }).finishes()
    parent.begins(kernel_clone, { name: 'child' }).finishes()
    const child = k.task('child')
    child.begins(vmsplice_to_pipe, { vpn, pages: 1, pipe: 1 }).finishes()
    const mm = child.row.mm
    const vma = k.kernel.vmas.find(({ label, vm_mm }) => label === 'huge' && vm_mm === mm)?.id
    child.begins(do_munmap, { vma }).finishes()
    parent.begins(userStore, { vpn, value: 0x53, offset: 0 }).finishes()
    child.begins(pipe_read, { pipe: 1 }).finishes()
    expect(child.row.value).toBe(byte)
  })
})

describe('the races', () => {
  it('of fork and gup-fast is open in 5.9 alone, and closed by the sequence count (W7)', () => {
    expect(play(forkRacesAPin, 'v5.9').broken).toEqual(['gupCoherency', 'gupFastSeesFork'])
    expect(play(forkRacesAPin, 'v5.11').broken).toEqual([])
    expect(play(forkRacesAPin, 'v6.12').broken).toEqual([])
  })

  it('of an entry that is put back identically is caught by the exclusive bit (W20)', () => {
    expect(play(theIdenticalEntry, 'v6.12').broken).toEqual([])
    expect(play(theIdenticalEntry, 'v5.18').broken).toEqual(['gupCoherency'])
    expect(play(theIdenticalEntry, 'v6.12', { tlbFlush: 'ipi' }).broken).toEqual([])
  })
})

describe('a page with more than a thousand children', () => {
  it.each([
    ['v5.9', '_refcount 1024, _mapcount 1023', true],
    ['v5.18', '_refcount 1024, _mapcount 1023', true],
    ['v5.19', '_refcount 1025, _mapcount 1024', false],
    ['v6.12', '_refcount 1025, _mapcount 1024', false],
  ])('is copied for the 1,024th under %s: %s', (preset, expected, copied) => {
    const { kernel, broken } = play(aThousandChildren, preset)
    const page = mappedBy(kernel, 'parent')
    expect(counters(kernel, page)).toBe(expected)
    expect(mappedBy(kernel, 'child 2') !== page).toBe(copied)
    expect(broken).toEqual([])
  })
})

describe('every story about memory', () => {
  const stories = scenarios.filter(({ policies }) => policies.includes('cowReuse'))

  it.each(
    stories.flatMap((scenario) => presets.map((preset) => [scenario.name, preset.name] as const)),
  )('%s plays to its end under %s, and says so in whole sentences', (name, preset) => {
    const scenario = stories.find((each) => each.name === name) as Scenario
    const few = name === 'a-thousand-children' ? { sleepers: 3 } : {}
    const { passages, kernel } = play(scenario, preset, {}, few)
    // A passage in which nothing happens under a kernel is left out.
    expect(passages.length).toBeGreaterThan(1)
    for (const { text } of passages) expect(text).toMatch(/^[\s\S]{10,}[.”]$/)
    expect(passages.map(({ text }) => text).join(' ')).not.toMatch(/undefined|NaN/)
    expect(kernel.tasks.rows().every(({ id }) => kernel.machine.isIdle(id))).toBe(true)
  })
})
