import { sysfs_create_bin_file } from '../../fs/sysfs/file'
import { bootOf } from '../../init/boot-operation'
import type { Kernel } from '../../kernel'
import { allocAttr, freeUnstored } from './resource-attr'

type Task = ReturnType<Kernel['tasks']['at']>
type Host = ReturnType<Kernel['pciHosts']['at']>

/**
 * pci_find_next_bus(), as far as the late initcall asks it for buses that have legacy files. Before
 * there was a gate, it did not ask.
 */
export const nextLegacyBus = (k: Kernel, after: number): Host | undefined =>
  k.policy.legacyFiles === 'ungated'
    ? undefined
    : k.pciHosts.find(({ id, legacy, listed }) => id > after && legacy === 1 && listed === 1)

/**
 * pci_create_legacy_files(): where the architecture has such files and, from 5.12 on, the flag is set.
 * False where evaluating the mapping has killed the thread.
 */
export function pci_create_legacy_files(k: Kernel, task: Task, { id, legacy }: Host): boolean {
  // The series of 2026 deletes the flag, and with it the gate.
  const isGated = k.policy.legacyFiles === 'gated' && k.policy.resourceFiles !== 'static'
  const isOpen = !isGated || bootOf(k).sysfs_initialized === 1
  if (legacy === 0 || !isOpen) return true
  for (const name of ['legacy_io', 'legacy_mem']) {
    const attr = allocAttr(k, task, name, 0)
    if (attr === 'oops') return false
    if (attr === 'ENOMEM') return true
    if (sysfs_create_bin_file(k, { host: id }, attr) !== 0) freeUnstored(k, attr)
  }
  return true
}
