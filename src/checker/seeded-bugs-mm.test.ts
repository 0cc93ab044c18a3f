import { describe } from 'vitest'
import { conservation } from '../linux/invariants/conservation'
import { cowIsolation } from '../linux/invariants/cow-isolation'
import { freeMeansUnreferenced } from '../linux/invariants/free-means-unreferenced'
import { gupCoherency } from '../linux/invariants/gup-coherency'
import { ksmBytesStay } from '../linux/invariants/ksm-bytes-stay'
import { noLostDma } from '../linux/invariants/no-lost-dma'
import { pinnedMeansExclusive } from '../linux/invariants/pinned-means-exclusive'
import { tlbSafety } from '../linux/invariants/tlb-safety'
import type { MemoryKernel } from '../testing/memory-kernel'
import { faultMistakes, forkMistakes, gupMistakes, othersMistakes } from '../testing/mm-mistakes'
import { on } from '../testing/pins-machines'
import { findsEach, type SeededBug } from '../testing/seeded-bugs'

const { looksOnce, keepsCount } = gupMistakes
const { readsTooEarly, countsTooLate, sharesPinned } = forkMistakes
const { reusesAnyway, freesBeforeFlush } = faultMistakes
const { swapsPinned, mergesWritable, movesHeld } = othersMistakes
const { protectsUnflushed, clearsUnflushed, poisonsUnflushed } = othersMistakes

const seeded: readonly SeededBug<MemoryKernel>[] = [
  { label: 'gup-fast', ...looksOnce, ...on('W14'), breaks: pinnedMeansExclusive, length: 16 },
  { label: 'fork', ...readsTooEarly, ...on('W3'), breaks: cowIsolation, length: 17 },
  { label: 'fork', ...countsTooLate, ...on('W7'), breaks: gupCoherency, length: 39 },
  { label: 'fork', ...sharesPinned, ...on('W5'), breaks: noLostDma, length: 42 },
  { label: 'COW', ...reusesAnyway, ...on('W4'), breaks: cowIsolation, length: 27 },
  { label: 'unpin', ...keepsCount, ...on('W12'), breaks: conservation, length: 12 },
  { label: 'munmap', ...freesBeforeFlush, ...on('W12'), breaks: freeMeansUnreferenced, length: 9 },
  { label: 'reclaim', ...swapsPinned, ...on('W14'), breaks: pinnedMeansExclusive, length: 16 },
  { label: 'KSM', ...mergesWritable, ...on('W16'), breaks: ksmBytesStay, length: 17 },
  { label: 'migration', ...movesHeld, ...on('softOffline'), breaks: gupCoherency, length: 31 },
  { label: 'mprotect', ...protectsUnflushed, ...on('W15'), breaks: tlbSafety, length: 7 },
  { label: 'clear_refs', ...clearsUnflushed, ...on('W8'), breaks: tlbSafety, length: 8 },
  { label: 'hwpoison', ...poisonsUnflushed, ...on('hwpoison'), breaks: tlbSafety, length: 20 },
]

describe('a bug in 6.12, one for each part of mm, every interleaving', () => {
  findsEach(seeded)
})
