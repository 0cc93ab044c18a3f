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
import { pinsMachine } from '../../testing/pins-machines'
import { findsEach, type SeededBug } from '../../testing/seeded-bugs'

const { leavesWritable, keepsExclusive } = forkMistakes
const { ignoresFork, looksOnce, unpinsGet, staysMovable } = gupMistakes
const { losesPut, putsBeforeRmap, freesBeforeFlush, copiesUnflushed } = faultMistakes
const { isolatesListed, clearsUnflushed, freezesUnlocked, mergesPinned } = othersMistakes

const seeded: readonly SeededBug<MemoryKernel>[] = [
  {
    label: 'I3',
    ...leavesWritable,
    ...pinsMachine('W3'),
    breaks: writableMeansSoleOwner,
    length: 9,
  },
  { label: 'I4', ...keepsExclusive, ...pinsMachine('W3'), breaks: exclusiveDiscipline, length: 9 },
  { label: 'I5', ...ignoresFork, ...pinsMachine('W7'), breaks: pinnedMeansExclusive, length: 17 },
  { label: 'I5', ...looksOnce, ...pinsMachine('W20'), breaks: pinnedMeansExclusive, length: 16 },
  { label: 'I6', ...losesPut, ...pinsMachine('W3'), breaks: conservation, length: 33 },
  { label: 'I6', ...unpinsGet, ...pinsMachine('softOffline'), breaks: conservation, length: 10 },
  { label: 'I7', ...putsBeforeRmap, ...pinsMachine('W1'), breaks: refsCoverMaps, length: 20 },
  {
    label: 'I8',
    ...freesBeforeFlush,
    ...pinsMachine('W1'),
    breaks: freeMeansUnreferenced,
    length: 24,
  },
  { label: 'I9', ...copiesUnflushed, ...pinsMachine('reader'), breaks: tlbSafety, length: 31 },
  { label: 'I10', ...ignoresFork, ...pinsMachine('W7'), breaks: gupFastSeesFork, length: 15 },
  { label: 'I11', ...isolatesListed, ...pinsMachine('swap'), breaks: lruDiscipline, length: 2 },
  { label: 'I12', ...staysMovable, ...pinsMachine('W18'), breaks: longtermPlacement, length: 18 },
  { label: 'I14', ...clearsUnflushed, ...pinsMachine('W8'), breaks: softDirtyComplete, length: 20 },
  { label: 'I15', ...freezesUnlocked, ...pinsMachine('swap'), breaks: frozenIsLocked, length: 11 },
  { label: 'I16', ...mergesPinned, ...pinsMachine('W16'), breaks: ksmBytesStay, length: 20 },
]

describe('§7.2 of the pins sheet: what holds in every kernel breaks by a mistake alone', () => {
  findsEach(seeded)
})
