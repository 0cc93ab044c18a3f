import { dev_dax_attach } from '../linux/drivers/dax/device'
import type { Kernel } from '../linux/kernel'
import { operations } from '../linux/operations'
import { bootBare, bootDaxWith, type DaxMachine } from './dax-boot'
import { run } from './pmem-machine'
import type { Setup } from './scenario'

/** Boots a machine as far as a mounted file system. */
export const bootDaxMachine = bootDaxWith(operations)

/** The same with the namespace as a DAX device, its driver bound. `align`: pages that one entry covers. */
export function bootDeviceMachine(setup: Setup, machine: DaxMachine, align = 512): Kernel {
  const k = bootBare(operations, setup, machine)
  const [admin = ''] = machine.admins
  const device = k.namespaces.make({ ...machine.namespace, mode: 'devdax', align })
  run(k, admin, dev_dax_attach, { device: device.id })
  return k
}
