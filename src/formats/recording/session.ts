import type { Kernel } from '../../linux/kernel'
import { bootDaxMachine } from '../../scenarios/dax-machine'
import { qemuNamespace, qemuQ35Pmem } from '../../scenarios/machines/qemu-q35-pmem'
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
  /** The thread that an operation was last begun on. */
  operator: number | undefined
  outcomes: Outcomes = new Map()
  /** Log lines that were there before the record. */
  logged = 0

  constructor(readonly kernel: Kernel) {}

  /** A new record: what came of the one before is forgotten. */
  begin(): void {
    this.outcomes = new Map()
    this.logged = this.kernel.log.rows().length
  }

  /** An idle thread of an actor; one that is blocked leaves the next to its twin. */
  idleTask(actor: string): number {
    const { tasks, machine } = this.kernel
    const task = tasks.find(({ id, name }) => name.split(' ')[0] === actor && machine.isIdle(id))
    if (task === undefined) throw new Error(`replay: no idle thread of ${actor}`)
    return task.id
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
export function bootRecorded(): Session {
  const kernel = bootDaxMachine(defaultSetup, {
    iomem: qemuQ35Pmem,
    namespace: qemuNamespace,
    processes: [
      { comm: 'parent', pid: 100 },
      { comm: 'child', pid: 101 },
    ],
    admins: ['other', 'other 2', 'driver'],
  })
  return new Session(kernel)
}
