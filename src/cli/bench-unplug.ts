import { policies } from '../linux/policies'
import { fastest, round } from './fastest'
import { bootMappedDevice, type MappedDevice, unbind } from './mapped-device'

const GIB_PAGES = 262_144
const SMALL = GIB_PAGES
const LARGE = 16_384 * GIB_PAGES

/** Debates that the removal of a device may go by. */
const OF_REMOVAL = [
  'removeNotify',
  'rmapbt',
  'filesystem',
  'memunmapWait',
  'removalZap',
  'gupPgmap',
  'daxRefcount',
  'longtermRevoke',
  'tlbFlush',
] as const

/** With the reverse map, so that whoever is told of the removal walks the files. */
const BASE = { rmapbt: 'on' } as const

function unplug(device: MappedDevice) {
  let steps = 0
  const seconds = fastest(10, () => {
    const k = bootMappedDevice(device)
    return () => {
      steps = unbind(k)
    }
  })
  return { steps, milliseconds: round(seconds * 1000) }
}

/** A device of 1 GiB and one of 16 TiB, mapped whole by three processes. */
function compare(device: Omit<MappedDevice, 'pages'>) {
  unplug({ ...device, pages: SMALL })
  const large = unplug({ ...device, pages: LARGE })
  const small = unplug({ ...device, pages: SMALL })
  return { ...large, timesThoseOf1GiB: round(large.milliseconds / small.milliseconds) }
}

/** The unbind of a device of 16 TiB under every value of every debate that it goes by. */
export function unplugRates() {
  return OF_REMOVAL.flatMap((name) => {
    const values = Object.keys(policies.find((each) => each.name === name)?.values ?? {})
    return values.flatMap((value) => {
      const chosen = { policies: { ...BASE, [name]: value } }
      return (['pmd', 'pte'] as const).flatMap((by) =>
        (['fsdax', 'devdax'] as const).map((mode) => ({
          policy: `${name}=${value}`,
          mode,
          by,
          ...compare({ ...chosen, by, mode, pinned: value === 'revoke' && mode === 'devdax' }),
        })),
      )
    })
  })
}

/** The same device of 16 TiB, its mapping cut into more and more stretches that differ. */
export function unplugByRuns() {
  return ['massFailure', 'holder', 'preRemove'].map((removeNotify) => ({
    removeNotify,
    runs: [1, 10, 100, 1000].map((runs) => ({
      runs,
      ...unplug({ pages: LARGE, by: 'pmd', runs, policies: { ...BASE, removeNotify } }),
    })),
  }))
}
