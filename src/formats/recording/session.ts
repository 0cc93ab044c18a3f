import type { Kernel } from '../../linux/kernel'
import { bootDaxMachine, bootDeviceMachine } from '../../scenarios/dax-machine'
import { bootIomemMachine } from '../../scenarios/iomem-machine'
import { qemuQ35Edu, qemuQ35EduNodes } from '../../scenarios/machines/qemu-q35-edu'
import { qemuNamespace, qemuQ35Pmem } from '../../scenarios/machines/qemu-q35-pmem'
import { seedMemory } from '../../scenarios/memory-machine'
import { defaultSetup } from '../../scenarios/open'

/** What an access, a call, or a release came to, under the name by which a record sees it. */
export type Outcomes = Map<string, unknown>

/** One group of a recording under replay: a fresh machine, and what its names stand for. */
export class Session {
  /** Inodes by the recording's file names. */
  readonly files = new Map<string, number>()
  /** Areas by symbolic address, with the actor that mapped them. */
  readonly areas = new Map<string, { actor: string; vpn: number }>()
  readonly handles = new Map<number, number>()
  /** Page names of the recording, as pfns here. */
  readonly pages = new Map<string, number>()
  /** The same pages, as pfns where the kernel was recorded. */
  readonly recordedPfns = new Map<string, number>()
  /** The thread that an operation was last begun on. */
  operator: number | undefined
  outcomes: Outcomes = new Map()
  /** The page that `A` of the parent was on before the record. */
  before: number | undefined
  /** The page that memory_failure() was last called for. */
  lost: number | undefined
  /** The range that a driver claimed last. */
  claim: { readonly start: number; readonly end: number } | undefined
  /** Log lines that were there before the record. */
  logged = 0

  constructor(readonly kernel: Kernel) {}

  /** A new record: what came of the one before is forgotten. */
  begin(): void {
    this.outcomes = new Map()
    const { operator } = this
    if (operator !== undefined && this.kernel.machine.isIdle(operator)) this.operator = undefined
    this.before = this.pageAt('parent', 'A')
    this.logged = this.kernel.log.rows().length
  }

  /** An idle thread of an actor; one that is blocked leaves the next to its twin. */
  idleTask(actor: string): number {
    const { tasks, machine } = this.kernel
    const task = tasks.find(
      ({ id, name, role }) =>
        role !== 'zombie' && name.split(' ')[0] === actor && machine.isIdle(id),
    )
    if (task === undefined) throw new Error(`replay: no idle thread of ${actor}`)
    return task.id
  }

  /** The address space of an actor; 0 once it has exited. */
  mmOf(actor: string): number {
    return this.kernel.tasks.find(({ name, role }) => name === actor && role !== 'zombie')?.mm ?? 0
  }

  /** The page behind an address in an actor’s page table. */
  pageAt(actor: string, address: string): number | undefined {
    if (!this.areas.has(address.split('+')[0] ?? '')) return undefined
    const { vpn } = this.vpnOf(address)
    const ptes = this.kernel.ptes.in(this.mmOf(actor))
    return ptes.has(vpn) ? ptes.at(vpn).pfn : undefined
  }

  /** An actor that has done nothing yet makes room for one of the same name that is forked. */
  retire(actor: string): void {
    const { tasks, mms, vmas } = this.kernel
    const task = tasks.find(({ name, role }) => name === actor && role === 'process')
    if (task === undefined || vmas.find(({ vm_mm }) => vm_mm === task.mm) !== undefined) return
    mms.free(task.mm)
    tasks.free(task.id)
  }

  /** A page that is free again may come back under another name. */
  forgetFreed(): void {
    for (const [name, pfn] of this.pages)
      if (this.kernel.freePages.has(pfn)) this.pages.delete(name)
  }

  pipeOf(name: string): number {
    const { pipes } = this.kernel
    return (pipes.find((pipe) => pipe.name === name) ?? pipes.make({ name })).id
  }

  /** `A+2` is two pages behind where A begins. */
  vpnOf(address: string): { actor: string; vpn: number } {
    const [, name = '', pages = '0'] = /^(\w+?)(?:\+(\d+))?$/.exec(address) ?? []
    const area = this.areas.get(name)
    if (area === undefined) throw new Error(`replay: nothing is mapped at ${address}`)
    return { actor: area.actor, vpn: area.vpn + Number(pages) }
  }
}

/** The machine that was recorded: QEMU q35 with 768 MiB of pmem, XFS on it. */
export function bootRecorded(policies: Readonly<Record<string, string>> = {}): Session {
  const setup = { ...defaultSetup, policies: { ...defaultSetup.policies, ...policies } }
  const kernel = bootDaxMachine(setup, {
    iomem: qemuQ35Pmem,
    namespace: qemuNamespace,
    processes: [
      { comm: 'parent', pid: 100 },
      { comm: 'child', pid: 101 },
      { comm: 'probe', pid: 102 },
    ],
    admins: ['other', 'other 2', 'driver'],
  })
  seedMemory(kernel, { start: 0x8000, pages: 8192 }, 'NORMAL')
  return new Session(kernel)
}

/** The same machine with its namespace in device-dax mode, dax0.0 at 2 MiB. */
export function bootRecordedDevice(policies: Readonly<Record<string, string>> = {}): Session {
  const setup = { ...defaultSetup, policies: { ...defaultSetup.policies, ...policies } }
  const device = { name: 'dax0.0', start: 0x60e00, end: 0x90000 }
  const kernel = bootDeviceMachine(setup, {
    iomem: qemuQ35Pmem,
    namespace: device,
    processes: [
      { comm: 'parent', pid: 100 },
      { comm: 'child', pid: 101 },
    ],
    admins: ['other', 'other 2', 'driver'],
  })
  seedMemory(kernel, { start: 0x8000, pages: 64 }, 'NORMAL')
  return new Session(kernel)
}

/** The machine on which /dev/mem was recorded; the process is root’s. */
export function bootRecordedIomem(policies: Readonly<Record<string, string>> = {}): Session {
  const kernel = bootIomemMachine(
    { ...defaultSetup, policies: { ...defaultSetup.policies, ...policies } },
    {
      iomem: qemuQ35Edu,
      nodes: qemuQ35EduNodes,
      users: [{ comm: 'parent', pid: 100 }],
      admins: ['other', 'driver'],
    },
  )
  return new Session(kernel)
}
