import type { Window } from '../../machine'
import { type ResourceFile, resourceFilesOf } from '../drivers/pci/bars'
import { kernfsNode } from '../fs/sysfs/dir'
import type { Kernel } from '../kernel'
import { always } from '../operation'
import { whileInCalls } from './windows/at-work'

const whileBooting: Window<Kernel> = {
  says: 'before user space runs',
  isOpen: (k) => k.boots.find(({ level }) => level === 'run') === undefined,
}

/** I11 of the iomem sheet, §6: judged when user space runs and no thread is inside the kernel. */
export const bootComplete = always({
  name: 'bootComplete',
  claim:
    'When the boot and its workers are done, every added device has a file for every BAR that is not empty.',
  windows: [whileBooting, whileInCalls],
  sources: [{ file: 'drivers/pci/pci-sysfs.c', fn: 'pci_sysfs_init', version: '6.12' }],
  broken(k) {
    for (const { id, name, added } of k.pciDevs.rows()) {
      if (added === 0) continue
      const wrong = resourceFilesOf(k, id).flatMap((file) => judge(k, id, file))[0]
      if (wrong !== undefined) return { table: 'pciDevs', id, says: `${name} ${wrong}` }
    }
    return undefined
  },
})

function judge(k: Kernel, dev: number, { name }: ResourceFile): string[] {
  const node = kernfsNode(k, { dev: k.pciDevs.at(dev).id }, name)
  if (node === undefined) return [`is added, and has no ${name}`]
  const isMapped = k.policy.sysfsMapping === 'none' || !k.binAttributes.isLive(node.attr)
  return isMapped || k.binAttributes.at(node.attr).mapping !== 'none'
    ? []
    : [`has a ${name} without a mapping`]
}
