import type { Kernel } from '../linux/kernel'
import { policies } from '../linux/policies'
import { bootAddedMemory, unbindKmem } from './added-memory'
import { fastest, round } from './fastest'
import { bootMappedDevice, unbind } from './mapped-device'

const GIB_PAGES = 262_144
const SMALL = GIB_PAGES
const LARGE = 16_384 * GIB_PAGES

/** Debates that the removal of a file system's device, and of a DAX device, may go by. */
const OF_REMOVAL = {
  fsdax: [
    'removeNotify',
    'rmapbt',
    'filesystem',
    'memunmapWait',
    'removalZap',
    'diskRemoval',
    'forcedKill',
    'gupPgmap',
    'daxRefcount',
    'tlbFlush',
  ],
  devdax: ['memunmapWait', 'removalZap', 'gupPgmap', 'daxRefcount', 'tlbFlush', 'longtermRevoke'],
} as const

/** With the reverse map, so that whoever is told of the removal walks the files. */
const BASE = { rmapbt: 'on' } as const

/** What one unbind takes; the fastest of some. */
function measure<K>(boot: () => K, remove: (k: K) => number) {
  let steps = 0
  const seconds = fastest(5, () => {
    const k = boot()
    return () => {
      steps = remove(k)
    }
  })
  return { steps, milliseconds: round(seconds * 1000) }
}

/** 16 TiB, and as a ratio to 1 GiB. */
function compare<K>(boot: (pages: number) => K, remove: (k: K) => number) {
  // The first runs warm the compiler up.
  measure(() => boot(SMALL), remove)
  const large = measure(() => boot(LARGE), remove)
  const small = measure(() => boot(SMALL), remove)
  return { ...large, timesThoseOf1GiB: round(large.milliseconds / small.milliseconds) }
}

const valuesOf = (name: string): string[] =>
  Object.keys(policies.find((each) => each.name === name)?.values ?? {})

/** One kind of device and mapping, under one value of one debate. */
interface Case {
  readonly mode: 'fsdax' | 'devdax' | 'kmem'
  readonly by: 'pmd' | 'pte'
  readonly policy: string
  boot(pages: number): Kernel
  remove(k: Kernel): number
}

/** Every value of every debate that a removal goes by. */
export function removals(): Case[] {
  const devices = (['fsdax', 'devdax'] as const).flatMap((mode) =>
    OF_REMOVAL[mode].flatMap((name) =>
      valuesOf(name).flatMap((value) =>
        (['pmd', 'pte'] as const).map((by): Case => {
          const chosen = { ...BASE, [name]: value }
          const device = { mode, by, policies: chosen, pinned: value === 'revoke' }
          const boot = (pages: number) => bootMappedDevice({ ...device, pages })
          return { mode, by, policy: `${name}=${value}`, boot, remove: unbind }
        }),
      ),
    ),
  )
  const memory = valuesOf('kmemRemove').map((value): Case => {
    const boot = (pages: number) => bootAddedMemory(pages, value)
    return { mode: 'kmem', by: 'pte', policy: `kmemRemove=${value}`, boot, remove: unbindKmem }
  })
  return [...devices, ...memory]
}

/** The unbind of 16 TiB that three processes map whole. */
export const unplugRates = () =>
  removals().map(({ mode, by, policy, boot, remove }) => ({
    mode,
    by,
    policy,
    ...compare(boot, remove),
  }))

/** The same device of 16 TiB, its mapping cut into more and more stretches that differ. */
export function unplugByRuns() {
  return valuesOf('removeNotify').map((removeNotify) => ({
    removeNotify,
    runs: [1, 10, 100, 1000].map((runs) => {
      const policies = { ...BASE, removeNotify }
      const boot = () => bootMappedDevice({ pages: LARGE, by: 'pmd', runs, policies })
      return { runs, ...measure(boot, unbind) }
    }),
  }))
}
