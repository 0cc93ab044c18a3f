import { FOLL } from '../../linux/include/gup'
import { MEMORY_REGION } from '../../linux/include/umem'
import type { Kernel } from '../../linux/kernel'

type Handle = ReturnType<Kernel['pinHandles']['at']>

/** The name of a process, which may be gone by now. */
export const processName = (k: Kernel, mm: number): string =>
  mm !== 0 && k.mms.isLive(mm) ? k.mms.at(mm).comm : 'a process that is gone'

export const taskName = (k: Kernel, task: number): string =>
  task !== 0 && k.tasks.isLive(task) ? k.tasks.at(task).name : 'nobody'

/** The RDMA adapter of the machine. */
export const adapterName = (k: Kernel): string =>
  k.tasks.find(({ role, name }) => role === 'device' && name.startsWith('mlx5'))?.name ??
  'an RDMA adapter'

export const isMemoryRegion = ({ user }: Handle): boolean => user === MEMORY_REGION

/** The device that has the pages: as the handle says, or the only one there is. */
export function deviceName(k: Kernel, handle: Handle): string | undefined {
  const { user } = handle
  if (isMemoryRegion(handle)) return adapterName(k)
  if (user !== '') return user
  const devices = k.tasks.rows().filter(({ role }) => role === 'device')
  return devices.length === 1 ? devices[0]?.name : undefined
}

/** `FOLL_PIN`, as the field names such a user. */
export const handleKind = ({ kind }: Handle): string => `FOLL_${kind}`

export const isWriter = ({ flags }: Handle): boolean => (flags & FOLL.write) !== 0

export const pipeName = (name: string): string => (name === 'pipe' ? name : `pipe ${name}`)

/** `a`, `a and b`, `a, b and 3 more`; a name that many have is written once: `1,022 × b`. */
export function listed(names: readonly string[], most = 3): string {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  const shown = [...counts]
    .slice(0, most)
    .map(([name, count]) => (count === 1 ? name : `${count.toLocaleString('en')} × ${name}`))
  const more = [...counts.values()].slice(most).reduce((sum, count) => sum + count, 0)
  if (more > 0) return `${shown.join(', ')} and ${more.toLocaleString('en')} more`
  return shown.length < 2
    ? (shown[0] ?? '')
    : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`
}
