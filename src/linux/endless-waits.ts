import { ending, type Finding } from '../machine'
import type { Kernel } from './kernel'
import { holderName } from './wait-names'

/** A task inside one of these operations that will not get out by itself, as far as one can see now. */
export function endlessWait(k: Kernel, among: ReadonlySet<string>): Finding | undefined {
  for (const { id, name } of k.tasks.rows()) {
    if (k.machine.canStep(id)) continue
    if (!k.machine.frames(id).some(({ operation }) => among.has(operation.name))) continue
    const end = ending(k, id)
    if (end === undefined) continue
    const why = {
      nobody: 'what nobody has',
      circle: 'somebody who waits for it',
    }
    const what = typeof end === 'string' ? why[end] : `${holderName(k, end)}, who need not let go`
    return { table: 'tasks', id, says: `${name} waits for ${what}` }
  }
  return undefined
}
