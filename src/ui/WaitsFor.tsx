import type { Kernel } from '../linux/kernel'
import { circleName } from '../linux/wait-names'
import { deadlock, type Holder } from '../machine'
import { select } from '../store/attention'

/** When a holder lets go, where that is not in the course of its call. */
const UNTIL: Readonly<Record<Holder['until'], string>> = {
  call: '',
  hardware: ', until the hardware is done',
  owner: ', for as long as it likes',
}

/** Whom a thread waits for, each by name, and whether a signal would end it. */
export function WaitsFor({ kernel, id }: { kernel: Kernel; id: number }) {
  const waiting = kernel.machine.waiting(id)
  if (waiting === undefined) return null
  const { state, interruptible, holders } = waiting
  return (
    <ul className="waits-for" aria-label={`Who keeps ${kernel.tasks.at(id).name} waiting`}>
      {holders.map((holder) => (
        <li key={`${holder.task} ${holder.by}`}>
          <span aria-hidden="true">→ </span>
          <Name kernel={kernel} holder={holder} />
        </li>
      ))}
      <li className="quiet">
        {`${state}: ${interruptible ? 'a signal ends it' : 'no signal ends it'}`}
      </li>
    </ul>
  )
}

function Name({ kernel, holder: { task, by, until } }: { kernel: Kernel; holder: Holder }) {
  if (task === 0) return <>{`${by}${UNTIL[until]}`}</>
  return (
    <>
      <button type="button" className="link" onClick={() => select({ kind: 'task', id: task })}>
        {kernel.tasks.at(task).name}
      </button>
      {by !== undefined && `, ${by}`}
      {UNTIL[until]}
    </>
  )
}

/** The threads that wait for each other in a circle, by name. */
export function Deadlock({ kernel }: { kernel: Kernel }) {
  const circle = deadlock(kernel)
  return circle === undefined ? null : (
    <p role="alert" className="deadlock">
      {circleName(kernel, circle)}
    </p>
  )
}
