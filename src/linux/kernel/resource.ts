import { int, type Ref, ref, text, wide } from '../../arena'
import type { Holder } from '../../machine'
import { IORESOURCE } from '../include/ioport'
import { PAGE_SIZE } from '../include/mm'
import type { Kernel } from '../kernel'
import { operation } from '../operation'
import { isMappedByUser } from './iomem-mapping'
import { printk } from './printk'
import { resourceWritable } from './resource-lock'
import { add_wait_queue, set_current_state, waiterOf, wakeMuxed } from './resource-muxed'
import { mayRevoke, revoke_iomem } from './resource-revoke'
import {
  childrenOf,
  IOMEM_RESOURCE,
  inheritedFlags,
  linkResource,
  type Resource,
  unlinkResource,
} from './resource-tree'

const SYSTEM_RAM = IORESOURCE.mem | IORESOURCE.sysram

/** region_intersects(IORESOURCE_SYSTEM_RAM) for page frames [start, end): not REGION_DISJOINT. */
export const intersectsSystemRam = (k: Kernel, start: number, end: number): boolean =>
  k.resources.find(
    (node) =>
      node.parent !== 0 &&
      (node.flags & SYSTEM_RAM) === SYSTEM_RAM &&
      node.start < end * PAGE_SIZE &&
      start * PAGE_SIZE <= node.end,
  ) !== undefined

const hex = (address: number) => address.toString(16).padStart(8, '0')

/** The claim is the driver's from here: what users stored before does not count as a trespass. */
function returnClaim(k: Kernel, id: number): void {
  const node = k.resources.at(id)
  node.claim = 'returned'
  if (k.iomemNodes.capacity === 0) return
  const first = Math.floor(node.start / PAGE_SIZE)
  k.contents.edit(first, Math.floor(node.end / PAGE_SIZE) + 1, () => ({ stored_by: 0 }))
}

/** Where a claim may begin: at the root of the tree of memory, or of ports. */
const isRoot = (k: Kernel, id: number): boolean =>
  k.resources.isLive(id) && (id === IOMEM_RESOURCE || id === k.globals.ioport_resource)

/** Who has claimed what a waiter wants: a driver, for as long as it likes; nobody, where the wake-up was lost. */
const claimHolds = (k: Kernel, node: number): Holder[] =>
  k.resources.isLive(node)
    ? [{ task: 0, by: `the claim ${k.resources.at(node).name}`, until: 'owner' }]
    : []

const ALLOWED_FLAGS = IORESOURCE.exclusive | IORESOURCE.muxed

/** RQ of the iomem sheet, §1.2. Returns the number of the new node, or 0 where the kernel gives NULL. */
export const __request_region = operation({
  name: '__request_region',
  does: 'A driver claims a range of physical addresses.',
  source: { file: 'kernel/resource.c', fn: '__request_region', version: '6.12' },
  leftOut: 'Machines without files of I/O memory have no iomem_inode, and nothing to revoke.',
  start: {
    label: 'Let a driver claim it',
    on: ['resource'],
    by: 'admin',
    args: (k, { id }) => {
      const { start, end } = k.resources.at(id)
      return { parent: IOMEM_RESOURCE, start, end, name: 'driver', flags: 0 }
    },
    refuse: (k, { parent, start, end, flags }) => {
      if (!isRoot(k, parent)) return 'Claims start at the root of the tree.'
      if ((flags & ~ALLOWED_FLAGS) !== 0) return 'A driver may ask for EXCLUSIVE or MUXED.'
      if ((flags & IORESOURCE.muxed) !== 0 && k.muxedWaiters.capacity === 0)
        return 'Muxed regions are not simulated on this machine.'
      return start >= 0 && end >= start ? undefined : 'The range ends before it starts.'
    },
  },
  params: { parent: ref('resource'), start: wide(), end: wide(), name: text(), flags: int() },
  locals: { node: ref('resource'), root: ref('resource') },
  entry: 'alloc',
  steps: {
    alloc: {
      does: 'Allocate the node; this may sleep, so no lock is held yet.',
      fn: 'alloc_resource',
      run(k, t) {
        const { start, end, name } = t
        const node = k.resources.alloc({ start, end, name, claim: 'under way' })
        if (node === undefined) return t.done(0)
        t.node = node.id
        t.root = t.parent
        return 'lock'
      },
    },
    lock: {
      does: 'Take resource_lock for writing.',
      when: resourceWritable,
      run(k, t) {
        k.globals.resource_lock = t.task.id
        return 'try'
      },
    },
    try: {
      does: 'Try to link the node under its parent; descend into what is in the way, unless it is BUSY. Two that are MUXED share by turns: wait.',
      fn: '__request_region_locked',
      run(k, t) {
        // Who has waited goes on at the parent of then, which may be gone (iomem sheet, RQ7).
        if (!k.resources.isLive(t.parent)) {
          printk(k, 'BUG: KASAN: slab-use-after-free in __request_region_locked')
          return 'give_up'
        }
        const parent = k.resources.at(t.parent)
        const node = k.resources.at(t.node)
        node.flags = inheritedFlags(parent) | IORESOURCE.busy | t.flags
        node.desc = parent.desc
        if (t.root === IOMEM_RESOURCE && isMappedByUser(k, node)) return 'give_up'
        const conflict = linkResource(k, parent, node)
        if (conflict === undefined) return 'unlock'
        if (conflict.id !== parent.id && (conflict.flags & IORESOURCE.busy) === 0) {
          t.parent = conflict.id
          return 'try'
        }
        if ((conflict.flags & t.flags & IORESOURCE.muxed) === 0) return 'give_up'
        add_wait_queue(k, t.task.id, conflict.id)
        return k.policy.muxOrder === 'fixed' ? 'set_state' : 'unlock_to_wait'
      },
    },
    set_state: {
      does: 'Say that this task is about to sleep: a wake-up from here on makes it runnable again.',
      fn: 'set_current_state',
      run(k, t) {
        set_current_state(k, t.task.id)
        return k.policy.muxOrder === 'fixed' ? 'unlock_to_wait' : 'schedule'
      },
    },
    unlock_to_wait: {
      does: 'Drop resource_lock, so that the owner can release its region.',
      fn: 'write_unlock',
      run(k) {
        k.globals.resource_lock = 0
        return k.policy.muxOrder === 'fixed' ? 'schedule' : 'set_state'
      },
    },
    schedule: {
      does: 'Give the CPU away: if the state is still TASK_UNINTERRUPTIBLE, sleep until somebody wakes this task.',
      fn: 'schedule',
      run(k, t) {
        const waiter = waiterOf(k, t.task.id)
        if (waiter?.state === 'TASK_UNINTERRUPTIBLE') waiter.asleep = 1
        return 'woken'
      },
    },
    woken: {
      does: 'Runnable: leave the queue, and go for the lock again.',
      fn: 'remove_wait_queue',
      when: {
        state: 'D',
        ready: (k, t) => waiterOf(k, t.task.id)?.state !== 'TASK_UNINTERRUPTIBLE',
        reason: (_k, t) =>
          `sleeps in muxed_resource_wait until a muxed region is released; it wants ${hex(t.start)}-${hex(t.end)}`,
        holders: (k, t) => claimHolds(k, waiterOf(k, t.task.id)?.conflict ?? 0),
      },
      run(k, t) {
        const waiter = waiterOf(k, t.task.id)
        if (waiter !== undefined) k.muxedWaiters.free(waiter.id)
        return 'lock'
      },
    },
    unlock: {
      does: 'Drop resource_lock: the range is claimed, and marked BUSY.',
      run(k, t) {
        k.globals.resource_lock = 0
        const isMemory = t.root === IOMEM_RESOURCE && k.iomemNodes.capacity > 0
        if (isMemory && mayRevoke(k)) return t.call(revoke_iomem, { resource: t.node }, 'revoked')
        returnClaim(k, t.node)
        return t.done(t.node)
      },
    },
    revoked: {
      does: 'Users are out: the claim is the driver’s.',
      run(k, t) {
        returnClaim(k, t.node)
        return t.done(t.node)
      },
    },
    give_up: {
      does: 'Somebody else has it: drop the lock, free the node, return NULL.',
      run(k, t) {
        k.globals.resource_lock = 0
        k.resources.free(t.node)
        return t.done(0)
      },
    },
  },
})

/** RL of the iomem sheet, §1.3, on one of the two trees. */
const releaseOperation = (name: string, root: (k: Kernel) => Ref<'resource'>) =>
  operation({
    name,
    does: 'A driver gives a claimed range back.',
    source: { file: 'kernel/resource.c', fn: '__release_region', version: '6.12' },
    leftOut:
      'Roots other than iomem_resource and ioport_resource. A claim that has not returned yet is not found: its driver would use it after the free.',
    start: {
      label: 'Release the claim',
      on: name === '__release_region' ? ['resource'] : [],
      by: 'admin',
      args: (k, { id }) => {
        const { start, end } = k.resources.at(id)
        return { start, end }
      },
      refuse: (k, { start, end }) =>
        root(k) === 0 || findBusy(k, root(k), start, end) === undefined
          ? 'Nobody has claimed exactly this range, or the claim has not returned yet.'
          : undefined,
    },
    params: { start: wide(), end: wide() },
    locals: { muxed: int() },
    entry: 'lock',
    steps: {
      lock: {
        does: 'Take resource_lock for writing.',
        when: resourceWritable,
        run(k, t) {
          k.globals.resource_lock = t.task.id
          return 'unlink'
        },
      },
      unlink: {
        does: 'Find the BUSY node of exactly this range and take it out of the tree, children and all.',
        run(k, t) {
          const node = findBusy(k, root(k), t.start, t.end)
          if (node === undefined)
            printk(k, `Trying to free nonexistent resource <${hex(t.start)}-${hex(t.end)}>`)
          else {
            t.muxed = node.flags & IORESOURCE.muxed
            unlinkResource(k, node)
            k.resources.free(node.id)
          }
          return 'unlock'
        },
      },
      unlock: {
        does: 'Drop resource_lock.',
        run(k, t) {
          k.globals.resource_lock = 0
          return t.muxed === 0 ? t.done() : 'wake'
        },
      },
      wake: {
        does: 'The region was muxed: wake everybody who waits for one.',
        fn: 'wake_up',
        run(k, t) {
          wakeMuxed(k)
          return t.done()
        },
      },
    },
  })

/** release_mem_region() */
export const __release_region = releaseOperation('__release_region', () => IOMEM_RESOURCE)
/** release_region(): the macro for I/O ports. */
export const release_region = releaseOperation('release_region', (k) => k.globals.ioport_resource)

const isReleasable = (node: Resource, start: number, end: number): boolean =>
  node.start === start && node.end === end && node.claim !== 'under way'

/** Descends through nodes that are not BUSY to the BUSY node of exactly this range. */
function findBusy(k: Kernel, root: number, start: number, end: number): Resource | undefined {
  let children = childrenOf(k, k.resources.at(root))
  for (;;) {
    const inside = children.find((node) => node.start <= start && node.end >= end)
    if (inside === undefined) return undefined
    if ((inside.flags & IORESOURCE.busy) !== 0)
      return isReleasable(inside, start, end) ? inside : undefined
    children = childrenOf(k, inside)
  }
}
