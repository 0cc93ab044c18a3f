import { pointerOf, type ResourceFile, resourceFilesOf } from '../linux/drivers/pci/bars'
import { kernfsNode } from '../linux/fs/sysfs/dir'
import type { Kernel } from '../linux/kernel'
import { INIT } from '../linux/kernel/iomem-inode'
import type { Act } from './scenario'

/** Pid 1 goes on, to a step or as far as it can. */
export const initcalls = (until?: string): Act => ({
  who: INIT,
  ...(until === undefined ? {} : { until }),
})

/** A worker goes on in the same way. */
export const works = (who: string, until?: string): Act => ({
  who,
  ...(until === undefined ? {} : { until }),
})

const deviceOf = (k: Kernel, name: string) => k.pciDevs.find((dev) => dev.name === name)?.id ?? 0

const fileText = (k: Kernel, dev: ReturnType<typeof deviceOf>, file: ResourceFile): string => {
  const has = kernfsNode(k, { dev }, file.name) === undefined ? 'no ' : ''
  const pointer = pointerOf(file)
  const frees =
    pointer !== 0 && k.binAttributes.isLive(pointer) ? k.binAttributes.at(pointer).frees : 0
  const dangling =
    frees === 0
      ? ''
      : `, and res_attr[${file.bar.number}] points to memory that was freed${frees > 1 ? ' twice' : ''}`
  return `${has}${file.name}${dangling}`
}

/** `0000:01:00.0 has no resource0, and res_attr[0] points to memory that was freed`. */
export function filesText(k: Kernel, name: string): string {
  const dev = deviceOf(k, name)
  return `${name} has ${resourceFilesOf(k, dev)
    .map((file) => fileText(k, dev, file))
    .join(', ')}`
}

/** True if a device has the file of its first BAR. */
export const hasFile = (k: Kernel, name: string): boolean =>
  kernfsNode(k, { dev: deviceOf(k, name) }, 'resource0') !== undefined

/** How often the kernel has warned of a name that is taken. */
export const warnings = (k: Kernel): number =>
  k.log.rows().filter(({ line }) => line.includes('duplicate filename')).length

/** What the log says of it. */
export const warnedText = (k: Kernel): string =>
  warnings(k) === 0
    ? 'The log is silent.'
    : 'The log says “cannot create duplicate filename”, with a stack dump.'

/** The flag, as a story quotes it. */
export const flagText = (k: Kernel): string =>
  `sysfs_initialized is ${k.boots.at(1).sysfs_initialized}`

/** True under the series that creates the files inside device_add(). */
export const isStatic = (policies: Readonly<Record<string, string>>): boolean =>
  policies['resourceFiles'] === 'static'
