import type { PolicyValues } from '../machine'
import type { policies } from './policies'

type Values = PolicyValues<typeof policies>

/** A kernel version, or a proposal, as a row of policy values. */
export interface Preset {
  readonly name: string
  readonly title: string
  readonly policies: Readonly<Record<string, string>>
  /** What of this version the simulation has, in one sentence. */
  readonly says: string
}

const v4_14: Values = {
  filesystem: 'xfs',
  daxTruncate: 'ignore',
  removalZap: 'zap',
  cowReuse: 'mapcount',
  forkCopy: 'share',
  pinCount: 'one',
  gupRead: 'asIs',
  writeProtectSeq: 'off',
  clearRefs: 'all',
  swapPinned: 'swap',
  mprotectUpgrade: 'fault',
  directIo: 'get',
  zeroPagePin: 'counted',
  savedDirty: 'off',
  tlbFlush: 'ipi',
  vmsplice: 'get',
  longtermMovable: 'allow',
  ksmReuse: 'copy',
  gupForce: 'follCow',
  lruBatch: '14',
  daxRefcount: 'oneBased',
  hugeZeroWrite: 'allocate',
  memunmapWait: 'afterwards',
  removeNotify: 'none',
  rmapbt: 'off',
  gupPgmap: 'takes',
  longtermRevoke: 'never',
  kmemRemove: 'leak',
  linkDown: 'allOnes',
  daxPoison: 'sigbus',
  forcedKill: 'currentOnly',
  diskRemoval: 'sync',
  devicePageCount: 'extra',
  deviceEvict: 'leave',
  daxReflink: 'refused',
  resourceFiles: 'twoCreators',
  resAttrStore: 'beforeCreate',
  sysfsMapping: 'none',
  legacyFiles: 'ungated',
  pks: 'none',
  pksFault: 'relaxed',
  kmapOption: 'kmapThread',
  pksRestrict: 'balanced',
  strictDevmem: 'on',
  ioStrictDevmem: 'on',
  iomemParam: 'none',
  iomemClaim: 'ignore',
  iomemMmap: 'early',
  muxOrder: 'buggy',
  lockdown: 'none',
  exclusiveRam: 'off',
  devmemLowRam: 'zeros',
}
const v5_1: Values = { ...v4_14, daxTruncate: 'wait', ksmReuse: 'freeze', lruBatch: '15' }
const v5_2: Values = { ...v5_1, memunmapWait: 'pagePins' }
const v5_7: Values = { ...v5_2, pinCount: 'bias' }
const v5_8: Values = {
  ...v5_7,
  gupRead: 'breakCow',
  hugeZeroWrite: 'split',
  iomemClaim: 'revokeDevmem',
}
const v5_9: Values = {
  ...v5_8,
  cowReuse: 'pageCount',
  forkCopy: 'pinned',
  gupRead: 'asIs',
  ksmReuse: 'copy',
}
const v5_11: Values = {
  ...v5_9,
  writeProtectSeq: 'on',
  clearRefs: 'skipPinned',
  swapPinned: 'keep',
}
const v5_12: Values = {
  ...v5_11,
  forcedKill: 'early',
  iomemClaim: 'revokeAll',
  sysfsMapping: 'atCreation',
  legacyFiles: 'gated',
}
const v5_13: Values = { ...v5_12, longtermMovable: 'migrate' }
const v5_14: Values = { ...v5_13, pinCount: 'twoSteps' }
const v5_15: Values = { ...v5_14, sysfsMapping: 'atOpen' }
const v5_16: Values = { ...v5_15, exclusiveRam: 'on' }
const v5_18: Values = {
  ...v5_16,
  cowReuse: 'streamlined',
  memunmapWait: 'pgmapOnly',
  devicePageCount: 'reset',
}
const v5_19: Values = { ...v5_18, cowReuse: 'exclusive', gupRead: 'unshare' }
const v6_0: Values = {
  ...v5_19,
  mprotectUpgrade: 'exclusive',
  gupForce: 'exclusive',
  removeNotify: 'holder',
  daxReflink: 'sentinel',
}
const v6_1: Values = { ...v6_0, devicePageCount: 'zero', deviceEvict: 'evict' }
const v6_2: Values = { ...v6_1, gupRead: 'unshareFile', resAttrStore: 'afterCreate' }
const v6_5: Values = {
  ...v6_2,
  directIo: 'pin',
  zeroPagePin: 'notCounted',
  diskRemoval: 'markDead',
}
const v6_8: Values = { ...v6_5, savedDirty: 'on', removeNotify: 'preRemove' }
const v6_12: Values = {
  ...v6_8,
  savedDirty: 'on',
  lruBatch: '31',
  hugeZeroWrite: 'allocate',
  daxPoison: 'hwpoison',
  muxOrder: 'fixed',
}
const v6_15: Values = {
  ...v6_12,
  cowReuse: 'exclusiveLarge',
  daxRefcount: 'counted',
  daxReflink: 'nullMapping',
}

const v6_17: Values = { ...v6_15, gupPgmap: 'none' }

const PKS = 'Protection keys for pmem, never merged:'

const RULES = 'The rules for pins, COW, fork, DAX, /dev/mem and the removal of devices are those of'

/** Kernel versions, oldest first, then versions of one part alone, then proposals of the mail threads of 2021. */
export const presets: readonly Preset[] = [
  preset('v4.14', v4_14, `${RULES} 4.14 to 4.17.`),
  preset('v5.1', v5_1, `${RULES} 5.1, and but for KSM of 4.18 to 5.0.`),
  preset('v5.2', v5_2, `${RULES} 5.2 to 5.6, FOLL_PIN counting as one.`),
  preset('v5.7', v5_7, `${RULES} 5.7.`),
  preset('v5.8', v5_8, `${RULES} 5.8.`),
  preset('v5.9', v5_9, `${RULES} 5.9 and 5.10.0.`),
  preset('v5.11', v5_11, `${RULES} 5.11, and of later 5.10.y.`),
  preset('v5.12', v5_12, `${RULES} 5.12, on which the surprise-remove series was posted.`),
  preset('v5.13', v5_13, `${RULES} 5.13.`),
  preset('v5.14', v5_14, `${RULES} 5.14.`),
  preset('v5.15', v5_15, `${RULES} 5.15.`),
  preset('v5.16', v5_16, `${RULES} 5.16 and 5.17.`),
  preset('v5.18', v5_18, `${RULES} 5.18.`),
  preset('v5.19', v5_19, `${RULES} 5.19.`),
  preset('v6.0', v6_0, `${RULES} 6.0.`),
  preset(
    'v6.1',
    { ...v6_1, zeroPagePin: 'notCounted', resAttrStore: 'afterCreate' },
    `${RULES} 6.1.130 and later 6.1.y, where the zero page is no longer counted.`,
  ),
  preset('v6.2', v6_2, `${RULES} 6.2 to 6.4.`),
  preset('v6.5', v6_5, `${RULES} 6.5 to 6.7.`),
  preset('v6.8', v6_8, `${RULES} 6.8 to 6.11.`),
  preset(
    'v6.12',
    v6_12,
    'The version that was recorded: every rule and number here is that of 6.12.',
  ),
  preset('v6.15', v6_15, `${RULES} 6.15 and 6.16; details that only 6.12 shows are those of 6.12.`),
  preset('v6.17', v6_17, `${RULES} 6.17, where gup takes no pgmap reference any more.`),
  preset(
    'devmem-4.4',
    { ...v4_14, ioStrictDevmem: 'off', devmemLowRam: 'allowed' },
    'The rules of /dev/mem are those of 4.4: only exclusive claims refuse. All others are those of 4.14.',
  ),
  preset(
    'devmem-4.5',
    { ...v4_14, devmemLowRam: 'allowed' },
    'The rules of /dev/mem are those of 4.5 to 4.10: claims refuse what is new. All others are those of 4.14.',
  ),
  preset(
    'andrea-2021',
    { ...v5_11, cowReuse: 'fullAccuracy', ksmReuse: 'freeze' },
    '5.11 with the series “mm: restore full accuracy in COW page reuse”, which was not merged.',
  ),
  preset(
    'jason-2021',
    { ...v5_11, cowReuse: 'labelled' },
    '5.11 with the labels of Jason Gunthorpe’s mail, which were never coded; fork copies pinned pages.',
  ),
  preset(
    'linus-2021',
    { ...v5_11, cowReuse: 'linus' },
    '5.11 with Linus’ sketch: what has more than one reference is never write-protected.',
  ),
  preset(
    'surprise-remove-2021',
    { ...v5_12, removeNotify: 'massFailure', gupPgmap: 'none' },
    '5.12 with the series “mm, pmem: Force unmap pmem on surprise remove”, which was not merged as posted.',
  ),
  preset(
    'static-attrs',
    { ...v6_17, resourceFiles: 'static' },
    'The rules of 6.17 with the series “PCI: Convert all dynamic sysfs attributes to static” (v8, June 2026).',
  ),
  preset(
    'pks-rfc-2020',
    { ...v5_9, pks: 'rfc2020', pksRestrict: 'asPosted' },
    `${PKS} the RFC “PMEM: Introduce stray write protection for PMEM”.`,
  ),
  preset('pks-v7-2021', { ...v5_14, pks: 'v7' }, `${PKS} v7 of Aug 2021.`),
  preset('pks-v10-2022', { ...v5_18, pks: 'v10' }, `${PKS} v10 of Apr 2022, the last posting.`),
]

function preset(name: string, policies: Values, says: string): Preset {
  const proposals: Readonly<Record<string, string>> = {
    'devmem-4.4': '/dev/mem of Linux v4.4',
    'devmem-4.5': '/dev/mem of Linux v4.5',
    'andrea-2021': 'Andrea’s patch (2021)',
    'jason-2021': 'Jason’s labels (2021)',
    'linus-2021': 'Linus’ sketch (2021)',
    'surprise-remove-2021': 'Force unmap pmem (2021)',
    'static-attrs': 'Static PCI attributes (2026)',
    'pks-rfc-2020': 'PKS for pmem, RFC (2020)',
    'pks-v7-2021': 'PKS for pmem, v7 (2021)',
    'pks-v10-2022': 'PKS for pmem, v10 (2022)',
  }
  return { name, title: proposals[name] ?? `Linux ${name}`, policies, says }
}

const numbersOf = (version: string): readonly number[] => version.split('.').map(Number)

/** True if the first version is the second, or later. */
function isFrom(version: readonly number[], from: readonly number[]): boolean {
  const [a = 0, b = 0, c = 0] = version
  const [x = 0, y = 0, z = 0] = from
  return a !== x ? a > x : b !== y ? b > y : c >= z
}

/** Stable branches that took fixes of later versions, from which release on (pins sheet §0). */
const backports: readonly (readonly [from: string, before: string, preset: string])[] = [
  ['5.10.1', '5.11', 'v5.11'],
  ['6.1', '6.1.130', 'v6.0'],
]

/** The preset for a kernel as it calls itself, `6.12.117`: the newest version that is not newer. */
export function presetFor(kernel: string): Preset | undefined {
  const version = numbersOf(/^\d+(\.\d+)*/.exec(kernel)?.[0] ?? '')
  const backport = backports.find(
    ([from, before]) => isFrom(version, numbersOf(from)) && !isFrom(version, numbersOf(before)),
  )
  if (backport !== undefined) return presets.find(({ name }) => name === backport[2])
  return presets.findLast(
    ({ name }) => name.startsWith('v') && isFrom(version, numbersOf(name.slice(1))),
  )
}
