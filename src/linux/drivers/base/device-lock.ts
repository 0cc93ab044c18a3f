import type { Kernel } from '../../kernel'
import { taskHolds } from '../../wait-holders'

/** device_lock(): binding and unbinding exclude each other. */
export const deviceUnlocked = {
  state: 'D' as const,
  ready: (k: Kernel, t: { device: number }) => k.namespaces.at(t.device).device_lock === 0,
  reason(k: Kernel, t: { device: number }): string {
    const { device_lock, name } = k.namespaces.at(t.device)
    const holder = device_lock === 0 ? 'nobody' : k.tasks.at(device_lock).name
    return `waits for device_lock of ${name}, which ${holder} holds`
  },
  holders: (k: Kernel, t: { device: number }) => taskHolds(k.namespaces.at(t.device).device_lock),
}
