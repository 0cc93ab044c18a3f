import { text } from '../../arena'
import { EINVAL } from '../include/errno'
import { operation } from '../operation'

/** PR_MCE_KILL_EARLY, LATE and DEFAULT, as the thread keeps them. */
const POLICIES = ['early', 'late', 'default'] as const
const policyOf = (name: string) => POLICIES.find((each) => each === name)

/** prctl(PR_MCE_KILL, PR_MCE_KILL_SET, …): §5.1 of the DAX sheet. */
export const prctlMceKill = operation({
  name: 'prctlMceKill',
  does: 'A thread chooses when it hears of lost memory: as soon as it is found, or when it touches it.',
  source: {
    file: 'kernel/sys.c',
    fn: 'prctl',
    version: '6.12',
    note: 'PR_MCE_KILL with PR_MCE_KILL_SET: it sets PF_MCE_PROCESS and PF_MCE_EARLY of the calling thread alone.',
  },
  leftOut: 'PR_MCE_KILL_CLEAR, which is `default` too, and PR_MCE_KILL_GET.',
  via: ['__x64_sys_prctl'],
  start: {
    label: 'Hear of lost memory at once (PR_MCE_KILL_EARLY)',
    on: ['task'],
    by: 'process',
    args: () => ({ policy: 'early' }),
    refuse(k, { policy }, task) {
      if (k.tasks.at(task).mm === 0) return 'This thread has no address space here.'
      return policyOf(policy) === undefined
        ? `A policy is one of ${POLICIES.join(', ')}.`
        : undefined
    },
  },
  params: { policy: text() },
  entry: 'set',
  steps: {
    set: {
      does: 'Set the flags of this thread. Those of others stay; a child will inherit them.',
      fn: 'prctl',
      run(_k, t) {
        const policy = policyOf(t.policy)
        if (policy === undefined) return t.done(-EINVAL)
        t.task.mce_kill = policy
        return t.done(0)
      },
    },
  },
})
