import { read_mem } from '../../linux/drivers/char/mem-rw'
import { open_port, openResource } from '../../linux/fs/open-iomem'
import { IORESOURCE } from '../../linux/include/ioport'
import { PAGE_SIZE } from '../../linux/include/mm'
import { __release_region, __request_region } from '../../linux/kernel/resource'
import { IOMEM_RESOURCE } from '../../linux/kernel/resource-tree'
import { mmap_region } from '../../linux/mm/mmap-iomem'
import { EDU_BAR, EDU_RESOURCE0 } from '../../scenarios/machines/qemu-q35-edu'
import { errnoText } from './errno-text'
import type { Action } from './record'
import type { Session } from './session'

/** Begins an operation on an idle thread of the actor, runs it, and says which thread that was. */
type Run = (session: Session, actor: string, operation: { name: string }, args: object) => number

type Does = (session: Session, action: Action, run: Run) => void

/** The file of a name, opened now if the actor does not have it open. */
function fileOf(session: Session, by: string, dev: string, run: Run): number {
  const { files, inodes, tasks } = session.kernel
  const path = dev === 'resource0' ? EDU_RESOURCE0 : dev
  const inode = inodes.find(({ name }) => name === path)?.id ?? 0
  const mm = session.mmOf(by)
  const open = files.find(({ f_inode, owner }) => f_inode === inode && owner === mm)
  if (open !== undefined) return open.id
  const opener = dev === 'resource0' ? openResource : open_port
  return tasks.at(run(session, by, opener, { inode })).ret
}

const hex = (value: number): string => `0x${(value >>> 0).toString(16)}`

/** What recordings of /dev/mem do: all of it to the one BAR that they are about. */
export const iomemActions: Readonly<Record<string, Does>> = {
  mmap_phys(session, action, run) {
    const { vmas, tasks } = session.kernel
    const label = action.at ?? ''
    const dev = String(action['dev'])
    const first = dev === 'resource0' ? 0 : EDU_BAR / PAGE_SIZE
    const args = {
      file: fileOf(session, action.by, dev, run),
      pages: Number(action['pages'] ?? 1),
      pgoff: first + Number(action['offset_pages'] ?? 0),
      label,
    }
    const { ret } = tasks.at(run(session, action.by, mmap_region, args))
    session.outcomes.set('mmap', { mmap: ret > 0 ? 'ok' : errnoText(ret) })
    if (ret > 0) session.areas.set(label, { actor: action.by, vpn: vmas.at(ret).vm_start })
  },
  request_mem_region(session, action, run) {
    const { resources, tasks } = session.kernel
    const isExclusive = action['exclusive'] === true
    const end = EDU_BAR + Number(action['pages']) * PAGE_SIZE - 1
    const args = {
      parent: IOMEM_RESOURCE,
      start: EDU_BAR,
      end,
      name: 'driver',
      flags: isExclusive ? IORESOURCE.exclusive : 0,
    }
    const { ret } = tasks.at(run(session, action.by, __request_region, args))
    session.claim = { start: EDU_BAR, end }
    session.outcomes.set('req', {
      call: isExclusive ? 'request_mem_region_exclusive' : 'request_mem_region',
      flags: ret === 0 ? '0x0' : hex(resources.at(ret).flags),
      ok: ret === 0 ? 0 : 1,
    })
  },
  release_mem_region(session, action, run) {
    const { claim } = session
    if (claim === undefined) throw new Error('replay: nothing is claimed')
    const task = run(session, action.by, __release_region, claim)
    const { ret } = session.kernel.tasks.at(task)
    session.outcomes.set('rel', { release_handle: 1, ret })
  },
  pread_phys(session, action, run) {
    const file = fileOf(session, action.by, '/dev/mem', run)
    const args = { file, pos: EDU_BAR, length: 4 }
    const { ret } = session.kernel.tasks.at(run(session, action.by, read_mem, args))
    session.outcomes.set('devmem_pread', ret < 0 ? errnoText(ret) : 'ok')
  },
}
