import { PAGE_SIZE } from '../../linux/include/mm'
import { do_madvise } from '../../linux/mm/madvise'
import { madviseHwpoison, madviseSoftOffline } from '../../linux/mm/madvise-inject'
import { vma_lookup } from '../../linux/mm/rmap'
import { errnoText } from './errno-text'
import type { Action } from './record'
import { run } from './run'
import type { Session } from './session'

/** madvise(2), and the signals that it brought. */
export function madvise(session: Session, action: Action): void {
  const { kernel } = session
  const at = action.at ?? ''
  const { vpn } = session.vpnOf(at)
  const before = new Map(kernel.tasks.rows().map((task) => [task.id, signalOf(task)]))
  const task = run(session, action.by, ...callOf(session, action, vpn))
  const { ret } = kernel.tasks.at(task)
  session.outcomes.set('ret', ret)
  session.outcomes.set('errno', errnoText(ret))
  for (const row of kernel.tasks.rows()) {
    const isNew = row.id === task || before.get(row.id) !== signalOf(row)
    const signals = isNew && row.signal !== 'none' ? [signalInfo(row)] : []
    const key = row.name === action.by ? 'signals' : `${row.name}_signals`
    session.outcomes.set(key, signals)
  }
}

/** Two advices are about a page, and name an error; the others are about an area. */
function callOf(
  session: Session,
  { by, at, advice }: Action,
  vpn: number,
): readonly [operation: { name: string }, args: object] {
  const onPage: readonly [string, { name: string }][] = [
    ['MADV_HWPOISON', madviseHwpoison],
    ['MADV_SOFT_OFFLINE', madviseSoftOffline],
  ]
  const inject = onPage.find(([name]) => name === advice)?.[1]
  if (inject === undefined) {
    const vma = vma_lookup(session.kernel, session.mmOf(by), vpn)?.id ?? 0
    return [do_madvise, { vma, advice: String(advice).replace('MADV_', '') }]
  }
  session.lost = session.pageAt(by, at ?? '')
  return [inject, { vpn }]
}

type TaskRow = ReturnType<Session['kernel']['tasks']['at']>

const signalOf = (task: TaskRow): string => JSON.stringify(signalInfo(task))

const signalInfo = ({ signal, si_code, si_addr, si_addr_lsb }: TaskRow) => ({
  signal,
  si_code,
  addr: `0x${(si_addr * PAGE_SIZE).toString(16)}`,
  lsb: si_addr_lsb,
})
