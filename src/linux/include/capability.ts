import type { Kernel } from '../kernel'
import { CAP } from './sched'

type Task = ReturnType<Kernel['tasks']['at']>

/** What a thread may: root’s shells may everything. */
export const effectiveCaps = ({ role, cap_effective }: Task): number =>
  role === 'admin' ? CAP.sys_rawio | CAP.sys_admin : cap_effective

/** capable() */
export const capable = (task: Task, cap: number): boolean => (effectiveCaps(task) & cap) !== 0
