import { bootOf } from '../../init/boot-operation'
import type { Kernel } from '../../kernel'
import { taskHolds } from '../../wait-holders'

interface At {
  readonly task: Pick<ReturnType<Kernel['tasks']['at']>, 'id'>
}

/**
 * The step that takes pci_rescan_remove_lock: adding and removing devices exclude each other. The late
 * initcall does not take it.
 */
export const takeRescanLock = <S extends string>(next: S) => ({
  does: 'Take pci_rescan_remove_lock.',
  fn: 'pci_lock_rescan_remove',
  when: {
    state: 'D' as const,
    ready: (k: Kernel) => bootOf(k).pci_rescan_remove_lock === 0,
    reason(k: Kernel): string {
      const { pci_rescan_remove_lock: holder } = bootOf(k)
      const name = holder === 0 ? 'nobody' : k.tasks.at(holder).name
      return `waits for pci_rescan_remove_lock, which ${name} holds`
    },
    holders: (k: Kernel) => taskHolds(bootOf(k).pci_rescan_remove_lock),
  },
  run(k: Kernel, { task }: At): S {
    bootOf(k).pci_rescan_remove_lock = task.id
    return next
  },
})

export function dropRescanLock(k: Kernel): void {
  bootOf(k).pci_rescan_remove_lock = 0
}
