import { __device_release_driver } from '../../linux/drivers/base/dd'
import { dev_dax_remove } from '../../linux/drivers/dax/device'
import { pmem_attach_disk } from '../../linux/drivers/nvdimm/pmem'
import { END } from '../../linux/fs/break-layouts'
import { daxRead, daxWrite } from '../../linux/fs/dax-rw'
import { createFile, writeFile } from '../../linux/fs/file'
import { filp_close, vfs_unlink } from '../../linux/fs/inode'
import { clear_refs_write } from '../../linux/fs/proc/task_mmu'
import { punchArgs, truncateArgs } from '../../linux/fs/shrink'
import { pipe_read, vmsplice_to_pipe } from '../../linux/fs/splice'
import { path_umount } from '../../linux/fs/super'
import { vfs_fsync_range } from '../../linux/fs/sync'
import { xfs_file_fallocate, xfs_vn_setattr } from '../../linux/fs/xfs/xfs_file'
import { EBUSY } from '../../linux/include/errno'
import { PAGE_SIZE } from '../../linux/include/mm'
import type { Kernel } from '../../linux/kernel'
import { do_exit } from '../../linux/kernel/exit'
import { kernel_clone } from '../../linux/kernel/fork'
import { hasPageCache } from '../../linux/mm/filemap'
import { get_user_pages_fast, pin_user_pages_fast, unpin_user_pages } from '../../linux/mm/gup'
import { do_munmap } from '../../linux/mm/mmap'
import { mprotect_fixup } from '../../linux/mm/mprotect'
import { vma_lookup } from '../../linux/mm/rmap'
import { shmem_setattr } from '../../linux/mm/shmem'
import { userLoad, userStore } from '../../linux/mm/user-access'
import type { Operation } from '../../machine'
import { bytesOf, fileOf, pagesOf, textOf } from './arguments'
import { errnoText } from './errno-text'
import { iomemActions } from './iomem-actions'
import { madvise } from './madvise-action'
import { mappings } from './mappings'
import { walk } from './observe'
import type { Action } from './record'
import { type Does, returned, run } from './run'
import type { Session } from './session'

const byteText = (byte: number): string => `0x${byte.toString(16).padStart(2, '0')}`

/** A tmpfs is mounted when a recording makes its first file there. */
function tmpfsOf({ kernel: k }: Session): number {
  const mounted = k.superBlocks.find(({ s_type }) => s_type === 'tmpfs')
  return (mounted ?? k.superBlocks.make({ s_type: 'tmpfs', s_id: 'tmpfs' })).id
}

function access(
  session: Session,
  { op, by, at, value, ...rest }: Action,
  operation: { name: string },
): void {
  const { vpn } = session.vpnOf(textOf(at))
  const task = run(session, by, operation, { vpn, value: Number(value ?? 0) })
  const { signal, si_code, value: loaded } = session.kernel.tasks.at(task)
  const outcome =
    signal === 'none'
      ? { access: op, ok: 1, value: byteText(loaded) }
      : { access: op, ok: 0, signal, si_code }
  if (by === 'parent' || !session.outcomes.has('access')) session.outcomes.set('access', outcome)
  if (typeof rest['as'] === 'string') session.outcomes.set(rest['as'], outcome)
  session.outcomes.set(`${textOf(at)}_${op}`, outcome)
  session.outcomes.set(`${by}_${op}`, outcome)
  session.outcomes.set(op, outcome)
  const page = textOf(at).split('+')[1] ?? '0'
  for (const key of ['page', 'access']) session.outcomes.set(`${key}${page}`, outcome)
}

function gup(session: Session, action: Action): void {
  const flags = Array.isArray(action['flags']) ? action['flags'].map(String) : []
  const kind = textOf(action['kind'])
  const operation = kind === 'PIN' ? pin_user_pages_fast : get_user_pages_fast
  const pages = Number(action['n'] ?? action['pages'] ?? 1)
  const has = (flag: string) => (flags.includes(flag) ? 1 : 0)
  const { vpn: start } = session.vpnOf(textOf(action.at))
  const args = {
    start,
    pages,
    write: has('FOLL_WRITE'),
    longterm: has('FOLL_LONGTERM'),
    force: has('FOLL_FORCE'),
  }
  const before = new Set(session.kernel.pinHandles.rows().map(({ id }) => id))
  const task = run(session, action.by, operation, args)
  const made = session.kernel.pinHandles.find(({ id }) => !before.has(id))
  if (made !== undefined) session.handles.set(Number(action['handle'] ?? 0), made.id)
  session.outcomes.set('errno', errnoText(returned(session, task)))
  session.outcomes.set('gup', {
    call: operation.name,
    n: pages,
    flags: [`FOLL_${kind}`, ...flags].join('|'),
    ret: returned(session, task),
  })
}

/** Runs a call that a record sees under `key`, by its thread: it may still be blocked when it is seen. */
function call(
  session: Session,
  key: string,
  { by }: Action,
  operation: { name: string },
  args: object,
): void {
  const task = run(session, by, operation, args)
  session.operator = task
  session.outcomes.set(key, { task })
}

/** Unmounts, and once more lazily if the file system is busy, as the recording script did. */
function umount(session: Session, action: Action): void {
  const task = run(session, action.by, path_umount, { superBlock: 1, lazy: 0 })
  session.operator = task
  const ret = returned(session, task)
  session.outcomes.set('umount', { completed: 1, ret: ret < 0 ? -1 : 0, errno: errnoText(ret) })
  if (ret !== -EBUSY) return
  const lazy = run(session, action.by, path_umount, { superBlock: 1, lazy: 1 })
  session.outcomes.set('lazy_umount_ret', returned(session, lazy))
}

/** pread(2) or pwrite(2) of a DAX file. */
function transfer(session: Session, action: Action, operation: { name: string }): void {
  const args = {
    inode: fileOf(session, action),
    pos: bytesOf(action['offset']),
    length: bytesOf(action['length']),
    value: Number(action['value'] ?? 0),
  }
  const ret = returned(session, run(session, action.by, operation, args))
  session.outcomes.set('ret', ret)
  session.outcomes.set('errno', errnoText(ret))
}

/** SIGBUS that nobody handles ends the process; the recorded mapper had no handler for one that comes by itself. */
function takeSignals({ kernel }: Session): void {
  for (const { id, si_code, mm } of kernel.tasks.rows()) {
    if (si_code !== 'BUS_MCEERR_AO' || mm === 0 || !kernel.machine.isIdle(id)) continue
    kernel.machine.start(id, do_exit as unknown as Operation<Kernel>, {})
    while (kernel.machine.canStep(id)) kernel.machine.step(id)
  }
}

/** The descriptor of the first file that the recording script opened: others were open before. */
const FIRST_FILE = 4

/** What each action of a recording is here. */
const does: Readonly<Record<string, Does>> = {
  create(session, action) {
    const name = textOf(action['file'])
    const superBlock = action['fs'] === 'tmpfs' ? tmpfsOf(session) : 1
    const args = { superBlock, name, size: bytesOf(action['size']) }
    const inode = returned(session, run(session, 'other', createFile, args))
    session.kernel.inodes.at(inode).i_opens = 1
    session.files.set(name, inode)
    session.outcomes.set('fd', FIRST_FILE)
  },
  ...mappings,
  /** The node of the recorded machine stays in /dev after the driver is gone. */
  open_dev: (session) => void session.outcomes.set('open', 'ok'),
  read: (session, action) => access(session, action, userLoad),
  write: (session, action) => access(session, action, userStore),
  gup,
  ungup(session, action) {
    const number = Number(action['handle'])
    const handle = session.handles.get(number) ?? 0
    const task = run(session, action.by, unpin_user_pages, { handle })
    session.outcomes.set('rel', { release_handle: number, ret: returned(session, task) })
  },
  truncate(session, action) {
    const inode = fileOf(session, action)
    if (hasPageCache(session.kernel, inode)) {
      const size = bytesOf(action['size'])
      const task = run(session, 'other', shmem_setattr, { inode, size })
      session.outcomes.set('ret', returned(session, task))
      return
    }
    const args = truncateArgs(session.kernel, fileOf(session, action), bytesOf(action['size']))
    call(session, 'op', action, xfs_vn_setattr, args)
    session.outcomes.set('ret', returned(session, session.operator ?? 0))
  },
  punch_hole(session, action) {
    const first = bytesOf(action['offset']) / PAGE_SIZE
    const args = punchArgs(
      session.kernel,
      fileOf(session, action),
      first,
      pagesOf(action['length']),
    )
    call(session, 'op', action, xfs_file_fallocate, args)
  },
  write_file(session, action) {
    const args = { inode: fileOf(session, action), value: Number(action['value'] ?? 0x5a) }
    call(session, 'op', action, writeFile, args)
    session.outcomes.set('write', session.outcomes.get('op'))
  },
  unbind(session, action) {
    const isDevice = textOf(action['driver']) === 'device_dax'
    call(session, 'op', action, isDevice ? dev_dax_remove : __device_release_driver, { device: 1 })
    takeSignals(session)
  },
  bind: (session, action) => call(session, 'op', action, pmem_attach_disk, { device: 1 }),
  umount,
  fork(session, action) {
    const name = textOf(action['child'])
    session.retire(name)
    run(session, action.by, kernel_clone, { name })
    if (session.areas.has('A')) session.outcomes.set('child_before', walk(session, 'A', name))
  },
  munmap(session, action) {
    const { vpn } = session.vpnOf(textOf(action.at))
    const vma = vma_lookup(session.kernel, session.mmOf(action.by), vpn)?.id ?? 0
    const task = run(session, action.by, do_munmap, { vma })
    session.outcomes.set('ret', returned(session, task))
  },
  close(session, action) {
    run(session, action.by, filp_close, { inode: fileOf(session, action) })
  },
  unlink(session, action) {
    call(session, 'op', action, vfs_unlink, { inode: fileOf(session, action) })
  },
  exit: (session, action) => void run(session, action.by, do_exit, {}),
  madvise,
  fsync(session, action) {
    const args = { inode: fileOf(session, action), first: 0, last: END }
    run(session, 'other', vfs_fsync_range, args)
  },
  /** The record shows what was mapped at an address at this moment. */
  look(session, { at = '', by, ...rest }) {
    session.outcomes.set(textOf(rest['as']), walk(session, at, by))
  },
  read_at: (session, action) => transfer(session, action, daxRead),
  write_at: (session, action) => transfer(session, action, daxWrite),
  clear_refs(session, action) {
    const mm = session.mmOf(action.by)
    const task = run(session, 'other', clear_refs_write, { mm })
    session.outcomes.set('ret', returned(session, task))
  },
  mprotect(session, action) {
    const { vpn } = session.vpnOf(textOf(action.at))
    const vma = vma_lookup(session.kernel, session.mmOf(action.by), vpn)?.id ?? 0
    const prot = textOf(action['prot'])
    const bit = (letter: string) => (prot.includes(letter) ? 1 : 0)
    run(session, action.by, mprotect_fixup, { vma, read: bit('r'), write: bit('w') })
  },
  vmsplice(session, action) {
    const { vpn } = session.vpnOf(textOf(action.at))
    const pipe = session.pipeOf(textOf(action['pipe']))
    const task = run(session, action.by, vmsplice_to_pipe, { vpn, pages: 1, pipe })
    session.outcomes.set('vmsplice', returned(session, task))
  },
  read_pipe(session, action) {
    const task = run(session, action.by, pipe_read, {
      pipe: session.pipeOf(textOf(action['pipe'])),
    })
    session.outcomes.set('n', returned(session, task))
    session.outcomes.set('first_byte', byteText(session.kernel.tasks.at(task).value))
  },
}

/** Does what one action of a record says. An action that the engine does not know is a programming error here. */
export function perform(session: Session, action: Action): void {
  const iomemAct = Object.hasOwn(iomemActions, action.op) ? iomemActions[action.op] : undefined
  if (iomemAct !== undefined) {
    iomemAct(session, action, run)
    return
  }
  const act = Object.hasOwn(does, action.op) ? does[action.op] : undefined
  if (act === undefined) throw new Error(`replay: unknown action ${action.op}`)
  act(session, action)
}

/** Actions that a recording may hold and the engine can replay. */
export const knownActions: ReadonlySet<string> = new Set([
  ...Object.keys(does),
  ...Object.keys(iomemActions),
])
