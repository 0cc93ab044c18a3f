import type { Kernel } from '../linux/kernel'
import { allEntries } from '../linux/mm/entries'
import { mapAnonymous } from '../linux/mm/mmap'
import { operations } from '../linux/operations'
import { policies } from '../linux/policies'
import type { Operation } from '../machine'
import { bootMemoryMachine } from '../scenarios/memory-machine'
import { defaultSetup } from '../scenarios/open'
import { run } from '../scenarios/pmem-machine'

/** Numbers from a seed, so that a failure can be run again. */
export class Dice {
  constructor(private state: number) {}

  /** A whole number from 0 to n - 1. */
  below(n: number): number {
    this.state = (Math.imul(this.state, 1664525) + 1013904223) | 0
    return Math.floor(((this.state >>> 0) / 2 ** 32) * n)
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T
  }
}

/** One value of every policy, whether a kernel ever had that mix or not. */
export const anyPolicies = (dice: Dice): Record<string, string> =>
  Object.fromEntries(
    policies.map(({ name, values }) => [name, dice.pick(Object.keys(values))] as const),
  )

/** Two processes at most, three pages, every kind of GUP user, reclaim, ksmd and devices. */
export function bootSmallWorld(chosen: Readonly<Record<string, string>>): Kernel {
  const setup = { ...defaultSetup, policies: { ...defaultSetup.policies, ...chosen } }
  const k = bootMemoryMachine(setup, {
    processes: [{ comm: 'parent', pid: 100, threads: ['thread 2'] }],
    admins: ['kswapd0', 'ksmd', 'tracer'],
    devices: ['mlx5_0', 'nvme0'],
    pipes: ['p', 'q'],
    movable: { start: 0x12345, pages: 6 },
    normal: { start: 0x40000, pages: 8 },
    sizes: { tasks: 8, mms: 2, vmas: 6, pins: 6 },
  })
  run(k, 'parent', mapAnonymous, { pages: 3, huge: 0, label: 'A' })
  return k
}

type Begin = readonly [name: string, args: Readonly<Record<string, number | string>>]

const processActs = (k: Kernel, dice: Dice, mm: number): Begin => {
  const area = k.vmas.rows().find(({ vm_mm }) => vm_mm === mm)
  const vpn = (area?.vm_start ?? 0) + dice.below(3)
  const vma = area?.id ?? 0
  const handle = dice.pick([0, ...k.pinHandles.rows().map(({ id }) => id)])
  const bit = () => dice.below(2)
  const gup = { start: vpn, pages: 1 + dice.below(2), write: bit(), force: bit() }
  if (dice.below(2 * SELDOM) === 0)
    return [dice.pick(['madviseHwpoison', 'madviseSoftOffline']), { vpn }]
  return dice.pick<Begin>([
    ['userStore', { vpn, value: dice.below(4), offset: dice.pick([0, 512]) }],
    ['userStore', { vpn, value: dice.below(4), offset: 0 }],
    ['userLoad', { vpn, value: 0, offset: 0 }],
    ['pin_user_pages_fast', { ...gup, longterm: bit() }],
    ['get_user_pages_fast', { ...gup, longterm: 0 }],
    ['unpin_user_pages', { handle }],
    ['kernel_clone', { name: 'child' }],
    ['do_exit', {}],
    [
      'do_madvise',
      { vma, advice: dice.pick(['DONTNEED', 'MERGEABLE', 'MERGEABLE', 'UNMERGEABLE']) },
    ],
    [
      'mprotect_fixup',
      {
        vma,
        ...dice.pick([
          { read: 1, write: 0 },
          { read: 1, write: 1 },
          { read: 0, write: 0 },
        ]),
      },
    ],
    ['vmsplice_to_pipe', { vpn, pages: 1, pipe: 1 }],
    ['pipe_read', { pipe: dice.pick([1, 2]) }],
    ['link_pipe', { from: 1, to: 2 }],
    ['directRead', { vpn, value: 7 }],
    ['lru_add_drain_cpu', { cpu: dice.pick([1, 2]) }],
  ])
}

const SELDOM = 40

const adminActs = (k: Kernel, dice: Dice): Begin => {
  const mm = dice.pick([1, 2])
  const area = k.vmas.rows().find(({ vm_mm }) => vm_mm === mm)
  const mapped = allEntries(k)
    .map(({ run }) => run)
    .filter(({ kind }) => kind === 'leaf')
  const pfn = mapped.length === 0 ? 0 : dice.pick(mapped).pfn
  // Poison is for good, and there are 14 pages: seldom.
  if (dice.below(SELDOM) === 0) return ['injectPoison', { pfn, found: dice.below(2), recorded: 0 }]
  return dice.pick<Begin>([
    ['clear_refs_write', { mm }],
    ['shrink_folio_list', { pfn }],
    ['shrink_folio_list', { pfn }],
    ['cmp_and_merge_page', { mm, vpn: (area?.vm_start ?? 0) + dice.below(3) }],
  ])
}

const deviceActs = (k: Kernel, dice: Dice): Begin => {
  const handle = dice.pick([0, ...k.pinHandles.rows().map(({ id }) => id)])
  return dice.pick<Begin>([
    ['dmaWrite', { handle, page: 0, value: 9 }],
    ['dmaRead', { handle, page: 0 }],
    ['bio_endio', { handle, value: 7 }],
    ['bio_endio', { handle, value: 7 }],
  ])
}

/** Begins something, or takes a step, somewhere; returns the step that was taken, if one was. */
export function moveSomewhere(k: Kernel, dice: Dice): string | undefined {
  const task = dice.pick(k.tasks.rows().filter(({ role }) => role !== 'zombie'))
  if (!k.machine.isIdle(task.id)) {
    if (!k.machine.canStep(task.id)) return undefined
    const step = `${task.name}: ${k.machine.stepName(task.id)}`
    k.machine.step(task.id, dice.below(k.machine.choices(task.id)))
    return step
  }
  const isLast = k.mms.rows().length === 1
  const acts = { process: processActs, admin: adminActs, device: deviceActs }
  const [name, args] =
    task.role === 'process' && task.mm !== 0
      ? processActs(k, dice, task.mm)
      : task.role === 'admin'
        ? acts.admin(k, dice)
        : acts.device(k, dice)
  if (name === 'do_exit' && isLast) return undefined
  const operation = operations.find((each) => each.name === name) as Operation<Kernel>
  if (operation.start?.refuse(k, args as never, task.id) !== undefined) return undefined
  k.machine.start(task.id, operation, args)
  return undefined
}
