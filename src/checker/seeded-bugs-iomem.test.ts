import { describe } from 'vitest'
import { irqentry_enter } from '../linux/arch/x86/entry/common'
import { pci_sysfs_init } from '../linux/drivers/pci/pci-sysfs'
import { open_port } from '../linux/fs/open-iomem'
import { catIomem } from '../linux/fs/proc/iomem-read'
import { IORESOURCE } from '../linux/include/ioport'
import { bootComplete } from '../linux/invariants/boot-complete'
import { listingIsOneTree } from '../linux/invariants/listing-is-one-tree'
import { noFalseKill } from '../linux/invariants/no-false-kill'
import { noLostWaiter } from '../linux/invariants/no-lost-waiter'
import { noOpenKeyLeft } from '../linux/invariants/no-open-key-left'
import { noStalePte } from '../linux/invariants/no-stale-pte'
import { noUserWriteAfterClaim } from '../linux/invariants/no-user-write-after-claim'
import { windowByItself } from '../linux/invariants/window-by-itself'
import type { Kernel } from '../linux/kernel'
import { iomem_init_inode } from '../linux/kernel/iomem-init'
import { __release_region, __request_region } from '../linux/kernel/resource'
import { waiterOf } from '../linux/kernel/resource-muxed'
import { revoke_iomem } from '../linux/kernel/resource-revoke'
import { kunmapPage } from '../linux/mm/highmem'
import { guestStore, hva_to_pfn_remapped } from '../linux/virt/kvm/kvm_pfnmap'
import { areaOf, claims, fileOf, maps, storesTo, taskOf } from '../scenarios/iomem-story'
import {
  interrupts,
  mapsForItself,
  preempts,
  returns,
  strays,
  unmaps,
  writesBy,
} from '../scenarios/pks-story'
import type { Act } from '../scenarios/scenario'
import { type Example, machineOf } from '../testing/cells'
import { BAR, bar, DEVICE, E, MUTEX, superio, twoCreators } from '../testing/iomem-examples'
import { bootIomem, node } from '../testing/iomem-kernel'
import { iomemMistakes } from '../testing/iomem-mistakes'
import { bootPks, P, Q } from '../testing/pks-kernel'
import { findsEach, type SeededBug } from '../testing/seeded-bugs'

const act = (
  who: string,
  operation: { readonly name: string },
  args: Act['args'] = () => ({}),
): Act => ({ who, operation: operation.name, args })

/** Somebody lists the tree by one read, and a driver releases its claim. */
const listed: Example = (preset) => {
  const k = bootIomem(preset, [node('b', 0x2000, 0x2fff, IORESOURCE.mem)], { users: [] })
  k.claim('D', 0x1000, 0x1fff, 'a')
  const acts = [
    act('D2', catIomem, () => ({ lines: 9 })),
    act('D', __release_region, () => ({ start: 0x1000, end: 0x1fff })),
  ]
  return { kernel: k.kernel, acts }
}

/** T maps the BAR through /dev/mem, and is back from mmap(); then a driver claims it. */
const mapped =
  (...uses: readonly Act[]): Example =>
  (preset) => {
    const k = bootIomem(preset, [bar])
    k.mmap('T', E, 1, '/dev/mem', 'a')
    return { kernel: k.kernel, acts: [...uses, claims('D', 'd', BAR.start, BAR.end)] }
  }
const vpn = (k: Kernel): number => areaOf(k, 'a')?.vm_start ?? 0

/** The same from before the inode on; entries are made by faults, so that W6 is not in the way. */
const early: Example = (preset) => {
  const k = bootIomem(preset, [bar], { early: true, policies: { iomemMmap: 'fault' } })
  const isOpen: Act['when'] = (kernel) => fileOf(kernel, 'T') !== 0
  const acts = [
    act('D2', iomem_init_inode),
    act('T', open_port, () => ({ inode: 1 })),
    { ...maps('T', 'a', E, 1), when: isOpen },
    storesTo('T', 'a', E, 0xa2),
    claims('D', 'd', BAR.start, BAR.end),
  ]
  return { kernel: k.kernel, acts }
}

/** Thread A writes by a window, with an interrupt and a context switch in it. */
const window: Example = (preset) => {
  const k = bootPks(preset, { pksFault: 'strict' }, { threads: ['A', 'C'], cpus: 1 })
  const acts = [
    mapsForItself('A', P),
    writesBy('A', 'A', P, 0x11),
    unmaps('A'),
    strays('C', Q, 0xbd),
    interrupts('CPU0', 'irq'),
    returns('CPU0'),
    preempts('CPU0', 'C'),
    preempts('CPU0', 'A'),
  ]
  return { kernel: k.kernel, acts }
}

const bugs: readonly SeededBug<ReturnType<Example>>[] = [
  {
    label: 'kernel/resource.c',
    mistake: 'a release does not take resource_lock',
    operation: __release_region,
    step: 'lock',
    mutant: () => 'unlink',
    breaks: listingIsOneTree,
    ...machineOf(listed, 'v6.12'),
    states: 47,
    length: 12,
  },
  {
    label: 'kernel/resource.c',
    mistake: 'who is to sleep sleeps, though it was woken meanwhile',
    operation: __request_region,
    step: 'schedule',
    mutant(k, t) {
      const waiter = waiterOf(k, t.task.id)
      if (waiter !== undefined) Object.assign(waiter, { state: 'TASK_UNINTERRUPTIBLE', asleep: 1 })
      return 'woken'
    },
    breaks: noLostWaiter,
    ...machineOf(superio('D', 'D2'), 'v6.12'),
    states: 226,
    length: 17,
  },
  {
    label: 'drivers/char/mem.c',
    ...iomemMistakes.clearsNothing,
    breaks: noStalePte,
    ...machineOf(mapped(storesTo('T', 'a', E, 0xa2)), 'v5.8'),
    states: 77,
    length: 14,
  },
  {
    label: 'drivers/char/mem.c',
    mistake: '/dev/mem is there before the inode is published',
    operation: open_port,
    step: 'check',
    mutant: () => 'open',
    breaks: noStalePte,
    ...machineOf(early, 'v5.8'),
    states: 457,
    length: 27,
  },
  {
    label: 'drivers/pci/pci-sysfs.c',
    mistake: 'sysfs_initialized is set behind the loop',
    operation: pci_sysfs_init,
    step: 'set_flag',
    mutant: () => 'next',
    also: [
      {
        operation: pci_sysfs_init,
        step: 'next',
        mutant(k, t, original) {
          const { klist: at } = t as unknown as { readonly klist: number }
          if (k.pciDevs.find(({ klist }) => klist > at) !== undefined) return original(k, t)
          return 'legacy'
        },
      },
      {
        operation: pci_sysfs_init,
        step: 'legacy',
        mutant(k, t) {
          k.boots.at(1).sysfs_initialized = 1
          return t.done()
        },
      },
    ],
    breaks: bootComplete,
    ...machineOf(twoCreators(DEVICE), 'v6.12', MUTEX),
    states: 355,
    length: 29,
  },
  {
    label: 'arch/x86/entry/common.c',
    mistake: 'an interrupt does not save PKRS',
    operation: irqentry_enter,
    step: 'enter',
    mutant(k, t, original) {
      const next = original(k, t)
      for (const frame of k.pkrsFrames.rows()) frame.pkrs = k.pks.at(1).init
      return next
    },
    breaks: noFalseKill,
    ...machineOf(window, 'pks-v10-2022'),
    states: 626,
    length: 16,
  },
  {
    label: 'arch/x86/kernel/process.c',
    ...iomemMistakes.keepsPkrs,
    breaks: windowByItself,
    ...machineOf(window, 'pks-v10-2022'),
    states: 626,
    length: 12,
  },
  {
    label: 'include/linux/highmem.h',
    mistake: 'kunmap_local() does not close the window',
    operation: kunmapPage,
    step: 'unmap',
    mutant: () => 'forget',
    breaks: noOpenKeyLeft,
    ...machineOf(window, 'pks-v10-2022'),
    states: 626,
    length: 12,
  },
  {
    label: 'virt/kvm/kvm_main.c',
    mistake: 'MMU notifiers are not told that the entries go',
    operation: revoke_iomem,
    step: 'zap',
    mutant(k, t) {
      k.ptes.in(t.mm).clear(vpn(k), vpn(k) + 1)
      return 'next_area'
    },
    breaks: noUserWriteAfterClaim,
    ...machineOf(
      mapped(
        act('T', hva_to_pfn_remapped, (k) => ({ vpn: vpn(k) })),
        act('T', guestStore, (k) => ({ mm: taskOf(k, 'T')?.mm ?? 0, vpn: vpn(k), value: 0x6e })),
      ),
      'v6.12',
    ),
    states: 87,
    length: 18,
  },
]

describe('a mistake in I/O memory or in protection keys', () => {
  findsEach(bugs)
})
