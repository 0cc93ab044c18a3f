import { dax_mmap } from '../../linux/drivers/dax/device'
import { do_mmap, mapAnonymous } from '../../linux/mm/mmap'
import { mapSync } from '../../linux/mm/mmap-sync'
import { fileOf, pagesOf, textOf } from './arguments'
import { errnoText } from './errno-text'
import type { Action } from './record'
import { type Does, returned, run } from './run'
import type { Session } from './session'

/** Notes where an actor has an area now, or why it has none. */
function mapped(session: Session, { by, at }: Action, vma: number): void {
  session.outcomes.set('mmap', vma > 0 ? 'ok' : errnoText(vma))
  if (vma <= 0) return
  session.areas.set(textOf(at), { actor: by, vpn: session.kernel.vmas.at(vma).vm_start })
}

/** The actions that map something: memory, a file, the node of a device. */
export const mappings: Readonly<Record<string, Does>> = {
  mmap_anon(session, action) {
    const label = textOf(action.at)
    const args = { pages: Number(action['pages'] ?? 1), huge: Number(action['huge'] ?? 0), label }
    mapped(session, action, returned(session, run(session, action.by, mapAnonymous, args)))
  },
  mmap_file(session, action) {
    const label = textOf(action.at)
    const pgoff = pagesOf(action['offset'])
    const flags = Array.isArray(action['flags']) ? action['flags'] : []
    const args = {
      inode: fileOf(session, action),
      pages: pagesOf(action['size']),
      pgoff,
      label,
      private: flags.includes('MAP_PRIVATE') ? 1 : 0,
    }
    const mmap = flags.includes('MAP_SYNC') ? mapSync : do_mmap
    mapped(session, action, returned(session, run(session, action.by, mmap, args)))
  },
  mmap_dev(session, action) {
    const flags = Array.isArray(action['flags']) ? action['flags'] : []
    const label = textOf(action.at)
    const inode = session.kernel.inodes.find(({ name }) => name === `/dev/${textOf(action['dev'])}`)
    const args = {
      inode: inode?.id ?? 0,
      pages: pagesOf(action['size']),
      pgoff: 0,
      label,
      private: flags.includes('MAP_PRIVATE') ? 1 : 0,
    }
    const vma = returned(session, run(session, action.by, dax_mmap, args))
    mapped(session, action, vma)
    session.outcomes.set('mmap_oldfd', vma > 0 ? 'ok' : errnoText(vma))
    session.outcomes.set('errno', errnoText(vma))
    // The node has no read operation: its file_operations know mmap alone.
    session.outcomes.set('pread', 'EINVAL')
  },
}
