import { sysfs_remove_bin_file } from '../../fs/sysfs/file'
import type { Kernel } from '../../kernel'
import { iomem_get_mapping } from '../../kernel/iomem-inode'
import { insiders } from '../../wait-holders'
import { barsOf, pointerOf, type ResourceFile, resourceFilesOf } from './bars'

type Task = ReturnType<Kernel['tasks']['at']>
type Attr = ReturnType<Kernel['binAttributes']['at']>

/** What an allocation of an attribute comes to: no memory, or an oops of iomem_get_mapping(). */
export type Allocated = Attr | 'ENOMEM' | 'oops'

/** kzalloc() and the setting of mmap and mapping in pci_create_attr(), for a device or for all. */
export function allocAttr(k: Kernel, task: Task, name: string, dev: Attr['dev']): Allocated {
  const { sysfsMapping } = k.policy
  if (sysfsMapping === 'atCreation' && !iomem_get_mapping(k, task)) return 'oops'
  const mapping = {
    none: 'none',
    atCreation: 'iomem_inode',
    atOpen: 'iomem_get_mapping',
  } as const
  const owner = task.id
  return k.binAttributes.alloc({ name, dev, owner, mapping: mapping[sysfsMapping] }) ?? 'ENOMEM'
}

/** pdev->res_attr[num] = res_attr. */
export function storeAttr({ bar, wc }: ResourceFile, attr: Attr['id']): void {
  if (wc === 1) bar.res_attr_wc = attr
  else bar.res_attr = attr
}

/**
 * Frees an attribute that nothing points to; its row is free as well, so that equal states are equal. Where
 * a removal of the device has freed it before, the double free stays to be seen.
 */
export function freeUnstored(k: Kernel, attr: Attr): void {
  const isStored = k.pciBars.find(
    ({ res_attr, res_attr_wc }) => res_attr === attr.id || res_attr_wc === attr.id,
  )
  attr.frees += 1
  if (isStored === undefined && attr.frees === 1) k.binAttributes.free(attr.id)
}

export const UNWIND =
  'Where res_attr[] of the next BAR is not NULL: remove the file of that name, free the attribute, leave the pointer.'

/**
 * pci_remove_resource_files() for the next BAR; false behind the last. It goes by the pointer, which
 * stays: an attribute that is freed already is freed again.
 */
export function unwindNext(k: Kernel, t: { readonly dev: Attr['dev']; bar: number }): boolean {
  const { dev } = t
  const bars = barsOf(k, dev)
  const number = bars[t.bar]?.number
  for (const file of resourceFilesOf(k, dev)) {
    const attr = pointerOf(file)
    if (file.bar.number !== number || attr === 0) continue
    sysfs_remove_bin_file(k, { dev }, file.name)
    k.binAttributes.at(attr).frees += 1
  }
  t.bar += 1
  return t.bar < bars.length
}

/** True where every file of a device has been created by somebody. */
export const isCreated = (k: Kernel, dev: number): boolean =>
  resourceFilesOf(k, dev).every((file) => pointerOf(file) !== 0)

/** The memory of a struct pci_dev is given back: its pointers are gone with it. */
export function forgetAttrs(k: Kernel, dev: number): void {
  for (const bar of barsOf(k, dev)) {
    bar.res_attr = 0
    bar.res_attr_wc = 0
  }
  // What was freed twice stays to be seen; what was freed once is memory like any other, unless somebody
  // still creates a file of it.
  const isInHand = ({ id }: Attr) => insiders(k, ({ locals }) => locals['attr'] === id).length > 0
  for (const attr of k.binAttributes.rows())
    if (attr.dev === dev && attr.frees === 1 && !isInHand(attr)) k.binAttributes.free(attr.id)
}
