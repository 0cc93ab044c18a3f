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
import { faultMistakes, forkMistakes, gupMistakes, othersMistakes } from '../../testing/mm-mistakes'
import { eachIsFound, type Seeded } from '../../testing/seeded-tests'

const { leavesWritable, keepsExclusive } = forkMistakes
const { ignoresFork, looksOnce, unpinsGet, staysMovable } = gupMistakes
const { losesPut, putsBeforeRmap, freesBeforeFlush, copiesUnflushed } = faultMistakes
const { isolatesListed, clearsUnflushed, freezesUnlocked, mergesPinned } = othersMistakes

const seeded: readonly Seeded[] = [
  { label: 'I3', ...leavesWritable, machine: 'W3', breaks: writableMeansSoleOwner, length: 9 },
  { label: 'I4', ...keepsExclusive, machine: 'W3', breaks: exclusiveDiscipline, length: 9 },
  { label: 'I5', ...ignoresFork, machine: 'W7', breaks: pinnedMeansExclusive, length: 17 },
  { label: 'I5', ...looksOnce, machine: 'W20', breaks: pinnedMeansExclusive, length: 16 },
  { label: 'I6', ...losesPut, machine: 'W3', breaks: conservation, length: 33 },
  { label: 'I6', ...unpinsGet, machine: 'softOffline', breaks: conservation, length: 10 },
  { label: 'I7', ...putsBeforeRmap, machine: 'W1', breaks: refsCoverMaps, length: 20 },
  { label: 'I8', ...freesBeforeFlush, machine: 'W1', breaks: freeMeansUnreferenced, length: 24 },
  { label: 'I9', ...copiesUnflushed, machine: 'reader', breaks: tlbSafety, length: 31 },
  { label: 'I10', ...ignoresFork, machine: 'W7', breaks: gupFastSeesFork, length: 15 },
  { label: 'I11', ...isolatesListed, machine: 'swap', breaks: lruDiscipline, length: 2 },
  { label: 'I12', ...staysMovable, machine: 'W18', breaks: longtermPlacement, length: 18 },
  { label: 'I14', ...clearsUnflushed, machine: 'W8', breaks: softDirtyComplete, length: 20 },
  { label: 'I15', ...freezesUnlocked, machine: 'swap', breaks: frozenIsLocked, length: 11 },
  { label: 'I16', ...mergesPinned, machine: 'W16', breaks: ksmBytesStay, length: 20 },
]

describe('§7.2 of the pins sheet: what holds in every kernel breaks by a mistake alone', () => {
  eachIsFound(seeded)
})
