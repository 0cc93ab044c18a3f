import { Worker } from 'node:worker_threads'
import type { Check } from '../checker/check'
import { type Assignment, memberOf } from '../checker/orders'
import type { Member } from '../checker/pool'
import { inSlices, slices } from './watched'

/** tsx reads TypeScript in the thread that it is loaded in, and must be loaded in a worker again. */
const BOOT = `import('${import.meta.resolve('tsx/esm/api')}').then(({ register }) => {
  register()
  return import('${new URL('./shard-worker.ts', import.meta.url)}')
})`

/** States of a search that is over before workers have started, or that says how to share it out. */
const ALONE = 30_000

/** Searches to the end with so many workers. */
export async function byWorkers(
  check: Check,
  asked: Pick<Assignment, 'scenario' | 'question'>,
  shards: number,
): Promise<void> {
  const isEnough = () => check.canBeShared && check.search.states >= ALONE
  if (!(await inSlices(check, isEnough))) return
  const threads = check.threadsToSplitBy(shards)
  const workers = Array.from({ length: shards }, (_, self) => {
    const workerData: Assignment = { kind: 'assignment', ...asked, self, shards, threads }
    return new Worker(BOOT, { eval: true, workerData })
  })
  try {
    await check.share(workers.map(memberIn), slices())
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
}

const memberIn = (worker: Worker): Member =>
  memberOf({
    send: async (order, given) => worker.postMessage(order, given),
    hear(said, failed) {
      worker.on('message', said)
      worker.on('error', failed)
    },
  })
