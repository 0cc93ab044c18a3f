import { errnoName } from '../linux/include/errno'
import type { Kernel } from '../linux/kernel'
import { iomemNodeOf } from '../linux/kernel/iomem-mapping'
import { mmap_region } from '../linux/mm/mmap-iomem'
import type { Act } from './scenario'

/** Addresses of persistent memory, or of a BAR, as page frames. */
const hex = (value: number): string => `0x${value.toString(16)}`

export const taskOf = (k: Kernel, who: string) => k.tasks.find(({ name }) => name === who)

/** The area with a label; undefined where mmap() has refused. */
export const areaOf = (k: Kernel, label: string) => k.vmas.find((vma) => vma.label === label)

/** The virtual page at which an area maps a page frame. */
const vpnOf = (k: Kernel, label: string, pfn: number): number => {
  const area = areaOf(k, label)
  return area === undefined ? 0 : area.vm_start + pfn - area.vm_pgoff
}

/** True if an area has an entry for a page frame. */
export const hasEntry = (k: Kernel, label: string, pfn: number): boolean => {
  const area = areaOf(k, label)
  return area !== undefined && k.ptes.in(area.vm_mm).has(vpnOf(k, label, pfn))
}

/** A process opens nothing in the story: its files are open from the start. */
export const fileOf = (k: Kernel, who: string, kind: 'mem' | 'resource' = 'mem'): number => {
  const mm = taskOf(k, who)?.mm
  const isMeant = (inode: number) => iomemNodeOf(k, inode)?.kind === kind
  return k.files.find(({ owner, f_inode }) => owner === mm && isMeant(f_inode))?.id ?? 0
}

/** What a thread’s last call came to: `ok`, or an errno. */
export const answer = (k: Kernel, who: string): string => {
  const ret = taskOf(k, who)?.ret ?? 0
  return ret < 0 ? errnoName(ret) : 'ok'
}

/** How a thread’s last access ended, as a sentence part. */
export const accessEnded = (k: Kernel, who: string): string => {
  const { signal, si_code } = taskOf(k, who) ?? { signal: 'none', si_code: 'none' }
  return signal === 'none' ? 'goes through' : `gets ${signal}, ${si_code}`
}

/** The first byte of a page frame. */
export const byteOf = (k: Kernel, pfn: number): string =>
  hex(k.contents.has(pfn) ? k.contents.at(pfn).value : 0)

/** The claim of a name, once it has returned. */
export const claimOf = (k: Kernel, name: string) =>
  k.resources.find((node) => node.name === name && node.claim === 'returned')

/** mmap() of a file of I/O memory. */
export const maps = (
  who: string,
  label: string,
  pgoff: number,
  pages: number,
  kind: 'mem' | 'resource' = 'mem',
): Act => ({
  who,
  operation: mmap_region.name,
  args: (k) => ({ file: fileOf(k, who, kind), pages, pgoff, label }),
})

export const storesTo = (who: string, label: string, pfn: number, value: number): Act => ({
  who,
  operation: 'userStore',
  when: (k) => areaOf(k, label) !== undefined,
  args: (k) => ({ vpn: vpnOf(k, label, pfn), value }),
})

export const loadsFrom = (who: string, label: string, pfn: number): Act => ({
  who,
  operation: 'userLoad',
  when: (k) => areaOf(k, label) !== undefined,
  args: (k) => ({ vpn: vpnOf(k, label, pfn) }),
})

/** A driver claims a range, as request_mem_region() does. */
export const claims = (who: string, name: string, start: number, end: number): Act => ({
  who,
  operation: '__request_region',
  args: () => ({ parent: 1, start, end, name, flags: 0 }),
})

/** The driver writes to the first page of its claim. */
export const driverWrites = (who: string, name: string, value: number): Act => ({
  who,
  operation: 'driverStore',
  when: (k) => claimOf(k, name) !== undefined,
  args: (k) => ({ resource: claimOf(k, name)?.id ?? 0, page: 0, value }),
})
