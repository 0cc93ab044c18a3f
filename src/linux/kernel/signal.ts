import { ref, text } from '../../arena'
import type { Kernel } from '../kernel'
import { operation } from '../operation'

/** signal_pending(): somebody has sent this thread a signal, and it has not taken it yet. */
export const signal_pending = (k: Kernel, task: number): boolean =>
  k.pendingSignals.find((pending) => pending.task === task) !== undefined

/** fatal_signal_pending(): it is SIGKILL, which also ends what other signals do not. */
export const fatal_signal_pending = (k: Kernel, task: number): boolean =>
  k.pendingSignals.find((pending) => pending.task === task && pending.signal === 'SIGKILL') !==
  undefined

/** The thread is back in user space, and takes its signals. */
export function takeSignals(k: Kernel, task: number): void {
  for (const pending of k.pendingSignals.rows())
    if (pending.task === task) k.pendingSignals.free(pending.id)
}

const SIGNALS = ['SIGINT', 'SIGKILL'] as const
const signalOf = (name: string) => SIGNALS.find((each) => each === name)

/** A signal for a thread that is in the kernel: Ctrl-C at the shell that offlines memory. */
export const do_send_sig_info = operation({
  name: 'do_send_sig_info',
  does: 'Sends a thread a signal. It is pending until the thread looks.',
  source: { file: 'kernel/signal.c', fn: 'do_send_sig_info', version: '6.12' },
  leftOut: 'Handlers, masks, and waking a thread that sleeps.',
  via: ['kill_something_info', '__x64_sys_kill'],
  start: {
    label: 'Interrupt it (SIGINT)',
    on: ['task'],
    by: 'admin',
    args: (k, { id }) => ({ target: k.tasks.at(id).id, signal: 'SIGINT' }),
    refuse(k, { target, signal }) {
      if (!k.tasks.isLive(target)) return 'There is no such thread.'
      if (k.tasks.at(target).depth === 0) return 'The thread is in user space: it would just end.'
      if (signal_pending(k, target)) return 'A signal is pending already.'
      if (k.pendingSignals.capacity === 0) return 'Nothing here waits for a signal.'
      return signalOf(signal) === undefined ? 'Only SIGINT and SIGKILL are simulated.' : undefined
    },
  },
  params: { target: ref('task_struct'), signal: text() },
  entry: 'send',
  steps: {
    send: {
      does: 'Set TIF_SIGPENDING of the thread.',
      fn: 'complete_signal',
      run(k, t) {
        const signal = signalOf(t.signal)
        if (signal !== undefined && !k.pendingSignals.isFull)
          k.pendingSignals.make({ task: t.target, signal })
        return t.done()
      },
    },
  },
})
