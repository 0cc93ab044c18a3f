import { describe } from 'vitest'
import { conservation } from '../../linux/invariants/conservation'
import { exclusiveDiscipline } from '../../linux/invariants/exclusive-discipline'
import { freeMeansUnreferenced } from '../../linux/invariants/free-means-unreferenced'
import { frozenIsLocked } from '../../linux/invariants/frozen-is-locked'
import { gupFastSeesFork } from '../../linux/invariants/gup-fast-sees-fork'
import { ksmBytesStay } from '../../linux/invariants/ksm-bytes-stay'
import { longtermPlacement } from '../../linux/invariants/longterm-placement'
import { lruDiscipline } from '../../linux/invariants/lru-discipline'
import { pinnedMeansExclusive } from '../../linux/invariants/pinned-means-exclusive'
import { refsCoverMaps } from '../../linux/invariants/refs-cover-maps'
import { softDirtyComplete } from '../../linux/invariants/soft-dirty-complete'
import { tlbSafety } from '../../linux/invariants/tlb-safety'
import { writableMeansSoleOwner } from '../../linux/invariants/writable-means-sole-owner'
import type { MemoryKernel } from '../../testing/memory-kernel'
import { faultMistakes, forkMistakes, gupMistakes, othersMistakes } from '../../testing/mm-mistakes'
import { on } from '../../testing/pins-machines'
import { findsEach, type SeededBug } from '../../testing/seeded-bugs'

const { leavesWritable, keepsExclusive } = forkMistakes
const { ignoresFork, looksOnce, unpinsGet, staysMovable } = gupMistakes
const { losesPut, putsBeforeRmap, freesBeforeFlush, copiesUnflushed } = faultMistakes
const { isolatesListed, clearsUnflushed, freezesUnlocked, mergesPinned } = othersMistakes

const seeded: readonly SeededBug<MemoryKernel>[] = [
  { label: 'I3', ...leavesWritable, ...on('W3'), breaks: writableMeansSoleOwner, length: 9 },
  { label: 'I4', ...keepsExclusive, ...on('W3'), breaks: exclusiveDiscipline, length: 9 },
  { label: 'I5', ...ignoresFork, ...on('W7'), breaks: pinnedMeansExclusive, length: 17 },
  { label: 'I5', ...looksOnce, ...on('W20'), breaks: pinnedMeansExclusive, length: 16 },
  { label: 'I6', ...losesPut, ...on('W3'), breaks: conservation, length: 33 },
  { label: 'I6', ...unpinsGet, ...on('softOffline'), breaks: conservation, length: 10 },
  { label: 'I7', ...putsBeforeRmap, ...on('W1'), breaks: refsCoverMaps, length: 20 },
  { label: 'I8', ...freesBeforeFlush, ...on('W1'), breaks: freeMeansUnreferenced, length: 24 },
  { label: 'I9', ...copiesUnflushed, ...on('reader'), breaks: tlbSafety, length: 31 },
  { label: 'I10', ...ignoresFork, ...on('W7'), breaks: gupFastSeesFork, length: 15 },
  { label: 'I11', ...isolatesListed, ...on('swap'), breaks: lruDiscipline, length: 2 },
  { label: 'I12', ...staysMovable, ...on('W18'), breaks: longtermPlacement, length: 18 },
  { label: 'I14', ...clearsUnflushed, ...on('W8'), breaks: softDirtyComplete, length: 20 },
  { label: 'I15', ...freezesUnlocked, ...on('swap'), breaks: frozenIsLocked, length: 11 },
  { label: 'I16', ...mergesPinned, ...on('W16'), breaks: ksmBytesStay, length: 20 },
]

describe('§7.2 of the pins sheet: what holds in every kernel breaks by a mistake alone', () => {
  findsEach(seeded)
})
