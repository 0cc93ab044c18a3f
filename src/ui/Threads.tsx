import { errnoName } from '../linux/include/errno'
import type { Kernel } from '../linux/kernel'
import { runTask, stepTask } from '../store/session'
import { useOpened } from '../store/store'
import { shownThreads } from './shown-threads'
import { Deadlock, WaitsFor } from './WaitsFor'

/** A lane for each thread: what comes next, or what it waits for. */
export function Threads() {
  const opened = useOpened()
  const { kernel } = opened.timeline
  const { shown, others } = shownThreads(kernel)
  return (
    <section className="threads" aria-labelledby="threads-title">
      <h2 id="threads-title">Threads</h2>
      <Deadlock kernel={kernel} />
      <ul>
        {shown.map((id) => (
          <Thread key={id} kernel={kernel} id={id} />
        ))}
      </ul>
      {others > 0 && (
        <p className="quiet more-threads">
          {`and ${others.toLocaleString('en')} more ${others === 1 ? 'thread' : 'threads'}`}
        </p>
      )}
      <KernelLog kernel={kernel} />
    </section>
  )
}

/** Lines of the log that fit below the threads. */
const LOG_LINES = 3

/** What the kernel itself said, newest last. */
function KernelLog({ kernel }: { kernel: Kernel }) {
  const lines = kernel.log.rows().slice(-LOG_LINES)
  return lines.length === 0 ? null : (
    <ol className="kernel-log" aria-label="Kernel log">
      {lines.map(({ id, line }) => (
        <li key={id}>{line}</li>
      ))}
    </ol>
  )
}

function Thread({ kernel, id }: { kernel: Kernel; id: number }) {
  const { name, ret, role } = kernel.tasks.at(id)
  const { machine } = kernel
  const [top] = machine.frames(id)
  const waiting = machine.waiting(id)
  const state = top === undefined ? 'idle' : waiting === undefined ? 'ready' : 'waiting'
  return (
    <li className={`thread ${state}`} data-thread={name}>
      <strong>{name}</strong>
      <span className="thread-fn">
        {top === undefined
          ? role === 'device'
            ? 'idle'
            : 'in user space'
          : `${top.step.fn ?? top.operation.source.fn}()`}
      </span>
      <div className="thread-does">
        {top === undefined
          ? ret === 0
            ? ''
            : `last returned ${errnoName(ret)}`
          : (waiting?.reason ?? `next: ${top.step.does}`)}
        <WaitsFor kernel={kernel} id={id} />
      </div>
      {top !== undefined && <ThreadButtons kernel={kernel} id={id} name={name} />}
    </li>
  )
}

function ThreadButtons({ kernel, id, name }: { kernel: Kernel; id: number; name: string }) {
  const { machine } = kernel
  const stuck = !machine.canStep(id)
  const choices = stuck ? 1 : machine.choices(id)
  const [top] = machine.frames(id)
  return (
    <span className="thread-buttons">
      {Array.from({ length: choices }, (_, choice) => (
        <button
          key={machine.choiceName(id, choice)}
          type="button"
          disabled={stuck}
          aria-label={`Step ${name}${choices > 1 ? `: ${machine.choiceName(id, choice)}` : ''}`}
          onClick={() => stepTask(id, choice)}
        >
          {choices > 1 ? machine.choiceName(id, choice) : 'Step'}
        </button>
      ))}
      <button type="button" disabled={stuck} aria-label={`Run ${name}`} onClick={() => runTask(id)}>
        Run
      </button>
      {top !== undefined && (
        <select
          aria-label={`Run ${name} to a step`}
          disabled={stuck}
          value=""
          onChange={(event) => runTask(id, event.target.value)}
        >
          <option value="">to…</option>
          {top.operation.steps.map((step) => (
            <option key={step.name} value={`${top.operation.name}.${step.name}`}>
              {step.name}
            </option>
          ))}
        </select>
      )}
    </span>
  )
}
