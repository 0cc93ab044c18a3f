import { pack } from '../arena'
import { programsOf } from '../checker/programs'
import { memoryInvariants } from '../linux/invariants/families/memory'
import type { Kernel } from '../linux/kernel'
import { mapAnonymous } from '../linux/mm/mmap'
import { freshKernel, setupOf } from '../scenarios/open'
import { theIdenticalEntry } from '../scenarios/the-identical-entry'
import { calls, explored, type Found, type ThreadCalls } from './explored'
import { acts, bootTwins } from './memory-acts'
import { type Boot, bootMemory, bootUntouched, MemoryKernel, MOVABLE, P } from './memory-kernel'
import type { SeededBug } from './seeded-bugs'

/** A machine of the pins sheet: how it boots, and what its threads call, in any interleaving. */
interface PinsMachine {
  readonly boot: (boot: Boot) => MemoryKernel
  readonly threads: (k: MemoryKernel) => ThreadCalls
}

/** One process, with as many more threads as the machine needs: idle ones are left out. */
const processOf = (...threads: string[]) => ({
  processes: [{ comm: 'parent', pid: 100, threads }],
})

const written =
  (...threads: string[]) =>
  (boot: Boot): MemoryKernel =>
    bootMemory({ ...boot, machine: { ...processOf(...threads), ...boot.machine } })

const areaOf =
  (who: string, write: Readonly<Record<string, number>> = {}) =>
  (k: Kernel) => {
    const mm = k.tasks.find(({ name }) => name === who)?.mm
    return { vma: k.vmas.find(({ vm_mm }) => vm_mm === mm)?.id ?? 0, ...write }
  }

const fork = calls('kernel_clone', { name: 'child' })
const clearRefs = calls('clear_refs_write', { mm: 1 })
const reclaim = calls('shrink_folio_list', { pfn: P })
const dma = calls('dmaWrite', { handle: 1, page: 0, value: 0xd1 })
const complete = calls('bio_endio', { handle: 1, value: 0xd1 })
const munmap = (who: string) => calls('do_munmap', areaOf(who))
const protect = (write: number) => calls('mprotect_fixup', areaOf('parent', { read: 1, write }))

const load = (k: MemoryKernel) => calls('userLoad', { vpn: k.vpn })
const store = (k: MemoryKernel, value = 0x51, offset = 0) =>
  calls('userStore', { vpn: k.vpn, value, offset })
const taken =
  (operation: string) =>
  (k: MemoryKernel, more: Readonly<Record<string, number>> = {}) =>
    calls(operation, { start: k.vpn, pages: 1, write: 1, longterm: 0, force: 0, ...more })
const pin = taken('pin_user_pages_fast')
const get = taken('get_user_pages_fast')
/** A thread lets go of what it has taken itself. */
const unpin = (who: string) =>
  calls('unpin_user_pages', (k) => {
    const task = k.tasks.find(({ name }) => name === who)?.id
    return { handle: k.pinHandles.find((handle) => handle.task === task)?.id ?? 0 }
  })
const directRead = (k: MemoryKernel) => calls('directRead', { vpn: k.vpn, value: 0xd1 })
const vmsplice = (k: MemoryKernel) => calls('vmsplice_to_pipe', { vpn: k.vpn, pages: 1, pipe: 1 })
const scan = (k: MemoryKernel) => calls('cmp_and_merge_page', { mm: 1, vpn: k.vpn })

/** W20 before row 0: the page is exclusive, its entry read-only and clean, and there is a KSM page like it. */
function bootIdentical({ preset = 'v6.12', policies = {} }: Boot): MemoryKernel {
  const setup = setupOf(theIdenticalEntry, { preset, policies })
  if (typeof setup === 'string') throw new Error(setup)
  return new MemoryKernel(freshKernel(theIdenticalEntry, setup))
}

/** A huge page at A. */
function bootHuge(boot: Boot): MemoryKernel {
  const normal = { start: 0x12400, pages: 4 * 512 }
  const k = bootUntouched({ ...boot, machine: { ...processOf(), normal } })
  acts.munmap(k, 'parent').finishes()
  k.task('parent').begins(mapAnonymous, { pages: 512, huge: 1, label: 'A' }).finishes()
  acts.store(k, 'parent', 0x50).finishes()
  return k
}

const bootMovable = (boot: Boot): MemoryKernel => written('thread 2')({ ...boot, machine: MOVABLE })

/** O_DIRECT takes plain references, as it did up to 6.4. */
const underGet = (boot: Boot): MemoryKernel =>
  written('thread 2')({ ...boot, policies: { ...boot.policies, directIo: 'get' } })

const readAndFork: PinsMachine['threads'] = (k) => ({
  parent: [directRead(k)],
  'thread 2': [fork, store(k, 0x77, 512)],
  nvme0: [complete],
})

const machines = {
  /** Two threads meet at an untouched page; a batch is drained, and the area unmapped. */
  W1: {
    boot: (boot) => bootUntouched({ ...boot, machine: processOf('thread 2') }),
    threads: (k) => ({
      parent: [store(k), munmap('parent')],
      'thread 2': [store(k), calls('lru_add_drain_cpu', { cpu: 1 })],
    }),
  },
  W3: {
    boot: written(),
    threads: (k) => ({ parent: [fork, store(k)], child: [store(k, 0x66)] }),
  },
  /** W3 row 8: a second thread of the parent remembers the page in its TLB. */
  reader: {
    boot: written('thread 2'),
    threads: (k) => ({ parent: [fork, store(k)], 'thread 2': [load(k)] }),
  },
  W4: {
    boot: written(),
    threads: (k) => ({ parent: [fork, store(k)], child: [vmsplice(k), munmap('child')] }),
  },
  /** W4, the page being one of 2 MiB. */
  huge: {
    boot: bootHuge,
    threads: (k) => ({ parent: [fork, store(k)], child: [vmsplice(k), munmap('child')] }),
  },
  W5: {
    boot: written(),
    threads: (k) => ({ parent: [pin(k), fork, store(k)], mlx5_0: [dma] }),
  },
  W7: {
    boot: written('thread 2'),
    threads: (k) => ({ parent: [fork], 'thread 2': [pin(k), store(k)], mlx5_0: [dma] }),
  },
  W8: {
    boot: written(),
    threads: (k) => ({ parent: [pin(k), store(k)], tracer: [clearRefs] }),
  },
  W9: {
    boot: underGet,
    threads: (k) => ({
      parent: [directRead(k)],
      'thread 2': [store(k, 0x77, 512)],
      tracer: [clearRefs],
      nvme0: [complete],
    }),
  },
  W10: { boot: written('thread 2'), threads: readAndFork },
  /** W10 as it was up to 6.4, whatever the kernel. */
  W10get: { boot: underGet, threads: readAndFork },
  W12: {
    boot: written('thread 2'),
    threads: (k) => ({
      parent: [munmap('parent')],
      'thread 2': [pin(k), unpin('thread 2')],
    }),
  },
  W13: {
    boot: written(),
    threads: (k) => ({ parent: [get(k), load(k), store(k)], kswapd0: [reclaim] }),
  },
  W14: {
    boot: written(),
    threads: (k) => ({ parent: [pin(k), load(k), store(k)], kswapd0: [reclaim] }),
  },
  W15: {
    boot: written('thread 2'),
    threads: (k) => ({
      parent: [protect(0), protect(1), store(k)],
      'thread 2': [pin(k)],
    }),
  },
  W16: {
    boot: bootTwins,
    threads: (k) => ({ parent: [pin(k), store(k)], mlx5_0: [dma], ksmd: [scan(k)] }),
  },
  W18: {
    boot: bootMovable,
    threads: (k) => ({ parent: [pin(k, { longterm: 1 })], 'thread 2': [store(k)] }),
  },
  W20: {
    boot: bootIdentical,
    threads: () => Object.fromEntries(programsOf(theIdenticalEntry.story)),
  },
  /** W13 without the reference: reclaim frees the page, and the process brings it back. */
  swap: {
    boot: written(),
    threads: (k) => ({ parent: [load(k), store(k)], kswapd0: [reclaim] }),
  },
  /** fork meets entries that reclaim has replaced, or is about to. */
  swapAndFork: {
    boot: written(),
    threads: (k) => ({ parent: [fork, store(k)], kswapd0: [reclaim] }),
  },
  softOffline: {
    boot: written('thread 2'),
    threads: (k) => ({
      parent: [calls('madviseSoftOffline', { vpn: k.vpn })],
      'thread 2': [get(k), unpin('thread 2')],
    }),
  },
  hwpoison: {
    boot: written('thread 2'),
    threads: (k) => ({
      parent: [calls('madviseHwpoison', { vpn: k.vpn })],
      'thread 2': [pin(k), store(k)],
    }),
  },
} satisfies Readonly<Record<string, PinsMachine>>

export type MachineName = keyof typeof machines

/** A machine under 6.12, to make a mistake on. */
export const on = (name: MachineName): Pick<SeededBug<MemoryKernel>, 'boot' | 'threads'> => ({
  boot: () => machines[name].boot({ preset: 'v6.12' }),
  threads: machines[name].threads,
})

/** A search that was made: where it began, and the rules that it asked for. */
interface Made {
  readonly name: MachineName
  readonly initial: string
  readonly asked: ReadonlyMap<string, string>
  readonly found: Found
}

const made: Made[] = []

/**
 * Every interleaving of a machine under the rules of a kernel, with every property of memory; made once
 * for kernels that begin alike and differ in nothing that anybody asks for.
 */
export function exploredOnce(name: MachineName, preset: string): Found {
  const k = machines[name].boot({ preset })
  const policy: Readonly<Record<string, string>> = k.kernel.policy
  const initial = pack(k.kernel.heap.arena).join(' ')
  const isSame = (one: Made) =>
    one.name === name &&
    one.initial === initial &&
    [...one.asked].every(([rule, value]) => policy[rule] === value)
  const old = made.find(isSame)
  if (old !== undefined) return old.found
  const asked = new Map<string, string>()
  const get = (_: object, rule: string) => {
    const value = policy[rule] as string
    asked.set(rule, value)
    return value
  }
  Object.assign(k.kernel, { policy: new Proxy(policy, { get }) })
  const found = explored(k.kernel, machines[name].threads(k), memoryInvariants, 100_000)
  made.push({ name, initial, asked, found })
  return found
}
