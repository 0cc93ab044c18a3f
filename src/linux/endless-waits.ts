import { ending, type Finding } from '../machine'
import type { Kernel } from './kernel'
import { holderName } from './wait-names'

const WHY = {
  nobody: 'what nobody has',
  circle: 'somebody who waits for it',
} as const

/** A task inside one of these operations that will not get out by itself, as far as one can see now. */
export function endlessWait(
  k: Kernel,
  task: number,
  among: ReadonlySet<string>,
): Finding | undefined {
  if (!k.machine.isWaiting(task)) return undefined
  if (!k.machine.frames(task).some(({ operation }) => among.has(operation.name))) return undefined
  const end = ending(k, task)
  if (end === undefined) return undefined
  const what = typeof end === 'string' ? WHY[end] : `${holderName(k, end)}, who need not let go`
  return { table: 'tasks', id: task, says: `${k.tasks.at(task).name} waits for ${what}` }
}
