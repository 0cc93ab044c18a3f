import { setImmediate } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { Check } from '../checker/check'
import { type Assignment, memberOf } from '../checker/orders'
import type { Member } from '../checker/pool'

/** tsx reads TypeScript in the thread that it is loaded in, and must be loaded in a worker again. */
const BOOT = `import('${import.meta.resolve('tsx/esm/api')}').then(({ register }) => {
  register()
  return import('${new URL('./shard-worker.ts', import.meta.url)}')
})`

/** States of a search that is over before workers have started, or that says how to share it out. */
const ALONE = 30_000

const SLICE_MS = 30

/** Seconds that a timer can wait; a search that may take longer is not stopped. */
const LONGEST = 2_000_000

/** Searches to the end with so many workers, or for so many seconds; returns how many it took. */
export async function advancedByWorkers(
  check: Check,
  asked: Pick<Assignment, 'scenario' | 'question'>,
  shards: number,
  most = Number.POSITIVE_INFINITY,
): Promise<number> {
  const start = performance.now()
  const elapsed = () => (performance.now() - start) / 1000
  const isEnough = () => check.canBeShared && check.search.states >= ALONE
  if (!check.advance(isEnough)) return elapsed()
  const threads = check.threadsToSplitBy(shards)
  const workers = Array.from({ length: shards }, (_, self) => {
    const workerData: Assignment = { kind: 'assignment', ...asked, self, shards, threads }
    return new Worker(BOOT, { eval: true, workerData })
  })
  const late = most < LONGEST ? setTimeout(() => check.stop('time'), 1000 * most) : undefined
  try {
    let until = 0
    await check.share(workers.map(memberIn), {
      isOver: () => performance.now() >= until,
      async pause() {
        await setImmediate()
        until = performance.now() + SLICE_MS
      },
    })
    return elapsed()
  } finally {
    clearTimeout(late)
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
}

const memberIn = (worker: Worker): Member =>
  memberOf({
    send: (order, given) => worker.postMessage(order, given),
    hear(said, failed) {
      worker.on('message', said)
      worker.on('error', failed)
    },
  })
