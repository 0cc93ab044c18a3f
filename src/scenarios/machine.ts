import { cxlInvariants } from '../linux/invariants/families/cxl'
import { daxInvariants } from '../linux/invariants/families/dax'
import { memoryInvariants } from '../linux/invariants/families/memory'
import { createKernel } from '../linux/kernel'
import { operations } from '../linux/operations'
import { policies } from '../linux/policies'
import { choosePolicies } from '../machine'
import { qemuNamespace, qemuQ35Pmem } from './machines/qemu-q35-pmem'
import {
  countSeeds,
  type IomemSeed,
  type NamespaceSeed,
  seedIomem,
  seedNamespace,
  seedProcess,
  seedZeroPage,
} from './pmem-machine'
import type { Scenario } from './scenario'

/** A real machine: its iomem tree without the claims of the pmem driver, and its namespaces. */
export interface RealMachine {
  readonly title: string
  readonly iomem: readonly IomemSeed[]
  readonly namespaces: readonly NamespaceSeed[]
}

/** Claims that a session may add to the tree. */
const SPARE_RESOURCES = 16

/** "What if" on a machine: its namespaces bound, a process and two shells, and nothing done yet. */
export function machineScenario(name: string, { title, iomem, namespaces }: RealMachine): Scenario {
  return {
    name,
    title,
    question:
      'What if, on this machine? Mount a namespace with DAX, map a file, pin it, pull the device.',
    preset: 'v6.12',
    policies: ['filesystem', 'daxTruncate'],
    params: {},
    simplified: [
      'Flags of the ranges are inferred from their names: /proc/iomem does not print them.',
      'Namespaces are taken as fsdax, with their memory map in RAM (map=mem).',
      'The TLB is not simulated: every access walks the page table.',
    ],
    story: [],
    build(setup) {
      const k = createKernel({
        policy: choosePolicies(policies, setup.policies),
        operations,
        invariants: [...new Set([...daxInvariants, ...memoryInvariants, ...cxlInvariants])],
        sizes: {
          tasks: 3,
          mms: 1,
          namespaces: Math.max(1, namespaces.length),
          resources: 1 + countSeeds(iomem) + namespaces.length + SPARE_RESOURCES,
        },
      })
      seedIomem(k, iomem)
      seedZeroPage(k)
      seedProcess(k, 'app', 4242)
      for (const shell of ['root shell', 'another shell'])
        k.tasks.make({ name: shell, role: 'admin' })
      for (const namespace of namespaces) seedNamespace(k, namespace, 'root shell')
      return k
    },
  }
}

/** The machine on which the recordings were made. */
export const qemuMachine = machineScenario('qemu-q35-pmem', {
  title: 'A real machine: QEMU q35 with pmem',
  iomem: qemuQ35Pmem,
  namespaces: [qemuNamespace],
})
