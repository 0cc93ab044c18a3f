import type { Kernel } from '../linux/kernel'
import type { Operation, Target, Timeline } from '../machine'

/** What a menu offers at an object. */
export interface MenuItem {
  readonly operation: string
  readonly label: string
  readonly does: string
  readonly who: string
  readonly task: number
  readonly args: Readonly<Record<string, number | string>>
  /** Why it cannot be begun now. */
  readonly refused: string | undefined
}

/** Every operation that can be begun at the object, by the thread that would do it. */
export function menuFor(timeline: Timeline<Kernel>, target: Target): MenuItem[] {
  const { kernel } = timeline
  if (!isThere(kernel, target)) return []
  return kernel.machine.operations.flatMap((operation) => {
    const { start } = operation
    if (start === undefined || !start.on.includes(target.kind)) return []
    if (start.offered?.(kernel, target) === false) return []
    const task = actorFor(kernel, operation, target)
    if (task === undefined) return []
    const args = start.args(kernel, target) as MenuItem['args']
    const choice = { kind: 'start', task: task.id, operation: operation.name, args } as const
    return [
      {
        operation: operation.name,
        label: start.label,
        does: operation.does,
        who: task.name,
        task: task.id,
        args,
        refused: timeline.refusal(choice),
      },
    ]
  })
}

/** Tables that targets name by row. */
export const targetTables = {
  vma: 'vmas',
  inode: 'inodes',
  super_block: 'superBlocks',
  namespace: 'namespaces',
  resource: 'resources',
  pin: 'pinHandles',
  pgmap: 'pgmaps',
  mm: 'mms',
  task: 'tasks',
  pipe: 'pipes',
  zone: 'zones',
  stable_node: 'stableNodes',
  anon_vma: 'mms',
  cxl_port: 'cxlPorts',
  cxl_memdev: 'cxlMemdevs',
  cxl_decoder: 'cxlDecoders',
  cxl_region: 'cxlRegions',
  dev_dax: 'devDaxes',
  dax_device: 'daxDevices',
  dax_lease: 'daxLeases',
  umem_odp: 'umemOdps',
  dmirror: 'dmirrors',
  p2pdma: 'p2pdmas',
  boot: 'boots',
  pci_host_bridge: 'pciHosts',
  pci_dev: 'pciDevs',
  kernfs_node: 'kernfsNodes',
  bin_attribute: 'binAttributes',
  cpu: 'cpus',
  pks: 'pks',
} as const

/** Objects go while a menu is open, or a link names them: rows must be live to be asked. */
export function isThere(k: Kernel, { kind, id, key }: Target): boolean {
  if (kind === 'pte') return k.mms.isLive(id) && key !== undefined
  if (kind === 'page') return key !== undefined
  if (kind === 'memory_block') return key !== undefined && k.memoryBlocks.has(key)
  if (kind === 'dax_entry')
    return k.inodes.isLive(id) && key !== undefined && k.daxEntries.in(id).has(key)
  if (kind === 'direct_map') return key !== undefined && k.directMap.has(key)
  if (kind === 'swap_slot') return key !== undefined && k.swapMap.has(key)
  return (
    Object.hasOwn(targetTables, kind) &&
    k[targetTables[kind as keyof typeof targetTables]].isLive(id)
  )
}

/** A thread of the right kind: one of the object's own address space, and one that is idle, if there is. */
function actorFor(k: Kernel, { start }: Operation<Kernel>, target: Target) {
  if (target.kind === 'cpu') {
    const { interrupts, current } = k.cpus.at(target.id)
    return k.tasks.rows().find(({ id }) => id === (start?.by === 'device' ? interrupts : current))
  }
  const mm = mmOf(k, target)
  const fitting = k.tasks
    .rows()
    .filter(({ role }) => role === start?.by)
    .filter((task) => mm === undefined || start?.by !== 'process' || task.mm === mm)
  return fitting.find(({ id }) => k.machine.isIdle(id)) ?? fitting[0]
}

function mmOf(k: Kernel, { kind, id }: Target): number | undefined {
  if (kind === 'pte' || kind === 'mm') return id
  if (kind === 'vma') return k.vmas.at(id).vm_mm
  if (kind === 'pin') return k.pinHandles.at(id).mm
  return undefined
}
