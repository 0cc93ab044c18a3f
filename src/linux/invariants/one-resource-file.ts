import { pointerOf, type ResourceFile, resourceFilesOf } from '../drivers/pci/bars'
import { kernfsNode } from '../fs/sysfs/dir'
import type { Kernel } from '../kernel'
import { always } from '../operation'

const isFreed = (k: Kernel, attr: number): boolean =>
  !k.binAttributes.isLive(attr) || k.binAttributes.at(attr).frees > 0

/** I10 of the iomem sheet, §6, of devices that nobody has removed, or is removing. */
export const oneResourceFile = always({
  name: 'oneResourceFile',
  claim:
    'A file of a BAR has a live attribute, and res_attr[] is NULL or points to the attribute of the file.',
  sources: [{ file: 'drivers/pci/pci-sysfs.c', fn: 'pci_create_resource_files', version: '6.12' }],
  broken(k) {
    for (const { id, name, on_bus, stopping } of k.pciDevs.rows()) {
      if (on_bus === 0 || stopping === 1) continue
      for (const file of resourceFilesOf(k, id)) {
        const wrong = judge(k, id, file)
        if (wrong !== undefined) return { table: 'pciDevs', id, says: `${name}: ${wrong}` }
      }
    }
    return undefined
  },
})

function judge(k: Kernel, dev: number, file: ResourceFile): string | undefined {
  const node = kernfsNode(k, { dev: k.pciDevs.at(dev).id }, file.name)
  const pointer = pointerOf(file)
  const at = `${file.wc === 1 ? 'res_attr_wc' : 'res_attr'}[${file.bar.number}]`
  if (node !== undefined && isFreed(k, node.attr))
    return `${file.name} has an attribute that is freed`
  if (pointer === 0) return undefined
  if (isFreed(k, pointer)) {
    const times = k.binAttributes.isLive(pointer) ? k.binAttributes.at(pointer).frees : 1
    return `${at} points to an attribute that was freed${times > 1 ? ' twice' : ''}`
  }
  return node !== undefined && node.attr !== pointer
    ? `${at} is not the attribute of ${file.name}`
    : undefined
}
