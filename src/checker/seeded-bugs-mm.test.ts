import { describe } from 'vitest'
import { conservation } from '../linux/invariants/conservation'
import { cowIsolation } from '../linux/invariants/cow-isolation'
import { freeMeansUnreferenced } from '../linux/invariants/free-means-unreferenced'
import { gupCoherency } from '../linux/invariants/gup-coherency'
import { ksmBytesStay } from '../linux/invariants/ksm-bytes-stay'
import { noLostDma } from '../linux/invariants/no-lost-dma'
import { pinnedMeansExclusive } from '../linux/invariants/pinned-means-exclusive'
import { tlbSafety } from '../linux/invariants/tlb-safety'
import { faultMistakes, forkMistakes, gupMistakes, othersMistakes } from '../testing/mm-mistakes'
import { eachIsFound, type Seeded } from '../testing/seeded-tests'

const { looksOnce, keepsCount } = gupMistakes
const { readsTooEarly, countsTooLate, sharesPinned } = forkMistakes
const { reusesAnyway, freesBeforeFlush } = faultMistakes
const { swapsPinned, mergesWritable, movesHeld } = othersMistakes
const { protectsUnflushed, clearsUnflushed, poisonsUnflushed } = othersMistakes

const seeded: readonly Seeded[] = [
  { label: 'gup-fast', ...looksOnce, machine: 'W14', breaks: pinnedMeansExclusive, length: 16 },
  { label: 'fork', ...readsTooEarly, machine: 'W3', breaks: cowIsolation, length: 17 },
  { label: 'fork', ...countsTooLate, machine: 'W7', breaks: gupCoherency, length: 39 },
  { label: 'fork', ...sharesPinned, machine: 'W5', breaks: noLostDma, length: 42 },
  { label: 'COW', ...reusesAnyway, machine: 'W4', breaks: cowIsolation, length: 27 },
  { label: 'unpin', ...keepsCount, machine: 'W12', breaks: conservation, length: 12 },
  {
    label: 'munmap',
    ...freesBeforeFlush,
    machine: 'W12',
    breaks: freeMeansUnreferenced,
    length: 9,
  },
  { label: 'reclaim', ...swapsPinned, machine: 'W14', breaks: pinnedMeansExclusive, length: 16 },
  { label: 'KSM', ...mergesWritable, machine: 'W16', breaks: ksmBytesStay, length: 17 },
  { label: 'migration', ...movesHeld, machine: 'softOffline', breaks: gupCoherency, length: 31 },
  { label: 'mprotect', ...protectsUnflushed, machine: 'W15', breaks: tlbSafety, length: 7 },
  { label: 'clear_refs', ...clearsUnflushed, machine: 'W8', breaks: tlbSafety, length: 8 },
  { label: 'hwpoison', ...poisonsUnflushed, machine: 'hwpoison', breaks: tlbSafety, length: 20 },
]

describe('a bug in 6.12, one for each part of mm, every interleaving', () => {
  eachIsFound(seeded)
})
