import { int, ref } from '../../../arena'
import { sysfs_create_bin_file } from '../../fs/sysfs/file'
import { ENOMEM } from '../../include/errno'
import { bootOf, bootOperation } from '../../init/boot-operation'
import type { Kernel } from '../../kernel'
import { operation } from '../../operation'
import { taskHolds } from '../../wait-holders'
import { type ResourceFile, resourceFilesOf } from './bars'
import { allocAttr, freeUnstored, isCreated, storeAttr, UNWIND, unwindNext } from './resource-attr'

interface At {
  readonly dev: ReturnType<Kernel['pciDevs']['at']>['id']
  readonly file: number
  readonly attr: ReturnType<Kernel['binAttributes']['at']>['id']
}

const fileAt = (k: Kernel, { dev, file }: At): ResourceFile | undefined =>
  resourceFilesOf(k, dev)[file]

/**
 * The call of sysfs_create_bin_file() in pci_create_attr(): where it fails, the attribute is freed. Who
 * removed the device meanwhile may have found the pointer, and freed it before.
 */
function create(k: Kernel, { dev, attr }: At): number {
  const row = k.binAttributes.at(attr)
  const error = sysfs_create_bin_file(k, { dev }, row)
  if (error !== 0) freeUnstored(k, row)
  return error
}

/** LC, LS and LR of the iomem sheet, §3.2; BC, BS and BR where pci_bus_add_device() calls it. */
export const pci_create_resource_files = bootOperation(
  operation({
    name: 'pci_create_resource_files',
    does: 'Creates resourceN for each BAR that is not empty; on an error it removes those of the device.',
    source: { file: 'drivers/pci/pci-sysfs.c', fn: 'pci_create_resource_files', version: '6.12' },
    leftOut: 'Sizes and modes of the files, and the unwinding of empty BARs, which does nothing.',
    params: { dev: ref('pci_dev') },
    locals: { file: int(), attr: ref('bin_attribute'), bar: int(), error: int() },
    entry: 'make',
    steps: {
      make: {
        does: 'Allocate the attribute of the next file, and create the file. Before 6.2 only the pointer was stored here.',
        fn: 'pci_create_attr',
        run(k, t) {
          const file = fileAt(k, t)
          if (file === undefined) return t.done(0)
          const attr = allocAttr(k, t.task, file.name, t.dev)
          if (attr === 'oops') return 'make'
          if (attr === 'ENOMEM') {
            t.error = -ENOMEM
            return 'unwind'
          }
          t.attr = attr.id
          if (k.policy.resAttrStore === 'beforeCreate') storeAttr(file, attr.id)
          else t.error = create(k, t)
          return t.error === 0 ? 'complete' : 'unwind'
        },
      },
      complete: {
        does: 'Store the pointer in res_attr[]. Before 6.2 the file was created here, after that.',
        fn: 'pci_create_attr',
        run(k, t) {
          const file = fileAt(k, t)
          if (k.policy.resAttrStore === 'beforeCreate') t.error = create(k, t)
          else if (file !== undefined) storeAttr(file, t.attr)
          if (t.error !== 0) return 'unwind'
          t.file += 1
          return fileAt(k, t) === undefined ? t.done(0) : 'make'
        },
      },
      unwind: {
        does: UNWIND,
        fn: 'pci_remove_resource_files',
        run(k, t) {
          return unwindNext(k, t) ? 'unwind' : t.done(t.error)
        },
      },
    },
  }),
)

/** §3.5 (c) of the iomem sheet: one creator at a time, and only where nobody has been. */
export const createFilesOnce = bootOperation(
  operation({
    name: 'createFilesOnce',
    does: 'Creates the files of a device under a mutex, unless they are there.',
    source: {
      file: 'drivers/pci/pci-sysfs.c',
      fn: 'pci_create_sysfs_dev_files',
      version: 'none',
      evidence: 'deduced',
      note: 'An alternative, never merged.',
    },
    leftOut: 'The name of the mutex, which nobody has given it.',
    params: { dev: ref('pci_dev') },
    entry: 'lock',
    steps: {
      lock: {
        does: 'Take the mutex, and look: whoever came first has created all of them.',
        fn: 'mutex_lock',
        when: {
          state: 'D',
          ready: (k) => bootOf(k).resource_files_lock === 0,
          reason(k) {
            const { resource_files_lock: holder } = bootOf(k)
            const name = holder === 0 ? 'nobody' : k.tasks.at(holder).name
            return `waits for the mutex of the resource files, which ${name} holds`
          },
          holders: (k) => taskHolds(bootOf(k).resource_files_lock),
        },
        run(k, t) {
          if (isCreated(k, t.dev)) return t.done(0)
          bootOf(k).resource_files_lock = t.task.id
          return t.call(pci_create_resource_files, { dev: t.dev }, 'unlock')
        },
      },
      unlock: {
        does: 'Drop the mutex.',
        fn: 'mutex_unlock',
        run(k, t) {
          bootOf(k).resource_files_lock = 0
          return t.done(t.ret)
        },
      },
    },
  }),
)

/** What creates the files of one device, by the policy. Both creators go through it. */
export const creatorOf = (k: Kernel) =>
  k.policy.resourceFiles === 'mutex' ? createFilesOnce : pci_create_resource_files
