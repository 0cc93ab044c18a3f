import type { Wait } from '../../machine'
import type { Kernel } from '../kernel'
import { insiders, taskHolds } from '../wait-holders'

const writerOf = (k: Kernel): string => {
  const { resource_lock } = k.globals
  return resource_lock === 0 ? 'nobody' : k.tasks.at(resource_lock).name
}

const readersOf = ({ globals: { resource_readers: n } }: Kernel): string =>
  n === 1 ? 'a reader has' : `${n} readers have`

/** Readers of /proc/iomem, between r_start and r_stop. */
const readers = (k: Kernel) =>
  insiders(
    k,
    ({ operation, step }) =>
      operation.name === 'catIomem' && (step.name === 'r_show' || step.name === 'r_stop'),
  )

/** write_lock(&resource_lock): a spinning rwlock, which guards the trees of memory and of ports. */
export const resourceWritable: Wait<Kernel, unknown> = {
  state: 'R',
  ready: ({ globals }) => globals.resource_lock === 0 && globals.resource_readers === 0,
  reason: (k) =>
    k.globals.resource_lock === 0
      ? `spins on resource_lock, which ${readersOf(k)} for reading`
      : `spins on resource_lock, which ${writerOf(k)} holds`,
  holders: (k) => (k.globals.resource_lock === 0 ? readers(k) : taskHolds(k.globals.resource_lock)),
}

/** read_lock(&resource_lock): readers do not exclude each other. */
export const resourceReadable: Wait<Kernel, unknown> = {
  state: 'R',
  ready: (k) => k.globals.resource_lock === 0,
  reason: (k) => `spins on resource_lock, which ${writerOf(k)} holds`,
  holders: (k) => taskHolds(k.globals.resource_lock),
}
