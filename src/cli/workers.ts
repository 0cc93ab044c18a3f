import { setImmediate } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { Check, Question } from '../checker/check'
import type { Member } from '../checker/pool'
import type { Expanded, Mail, Received, Seat } from '../checker/shard'

/** Which shard of which check a worker is. */
export interface ShardData extends Seat {
  /** The scenario’s name. */
  readonly scenario: string
  readonly question: Question
}

/** What a worker is told to do. */
export type Order =
  | { readonly kind: 'expand'; readonly looked: readonly Int32Array[] }
  | { readonly kind: 'receive'; readonly mail: readonly (Mail | undefined)[] }

/** tsx reads TypeScript in the thread that it is loaded in, and must be loaded in a worker again. */
const BOOT = `import('${import.meta.resolve('tsx/esm/api')}').then(({ register }) => {
  register()
  return import('${new URL('./shard-worker.ts', import.meta.url)}')
})`

/** States of a search that is over before workers have started, or that says how to share it out. */
const ALONE = 30_000

/** Searches to the end with so many workers, or for so many seconds; returns how many it took. */
export async function advancedByWorkers(
  check: Check,
  asked: Omit<ShardData, keyof Seat>,
  shards: number,
  most = Number.POSITIVE_INFINITY,
): Promise<number> {
  const start = performance.now()
  const elapsed = () => (performance.now() - start) / 1000
  if (!check.advance(() => check.search.states >= ALONE)) return elapsed()
  const threads = check.threadsToSplitBy(shards)
  const workers = Array.from({ length: shards }, (_, self) => {
    const workerData: ShardData = { ...asked, self, shards, threads }
    return new Worker(BOOT, { eval: true, workerData })
  })
  try {
    await check.share(workers.map(memberOf), async () => {
      if (elapsed() >= most) check.stop('time')
      await setImmediate()
    })
    return elapsed()
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
}

/** A worker as a member of the pool, which asks one thing at a time. */
function memberOf(worker: Worker): Member {
  const waiting = { resolve: (_said: unknown) => {}, reject: (_error: unknown) => {} }
  worker.on('message', (said) => waiting.resolve(said))
  worker.on('error', (error) => waiting.reject(error))
  const told = (order: Order, given: readonly ArrayBuffer[] = []) =>
    new Promise((resolve, reject) => {
      Object.assign(waiting, { resolve, reject })
      worker.postMessage(order, given)
    })
  return {
    expand: (looked) => told({ kind: 'expand', looked }) as Promise<Expanded>,
    // A row is read once, by the owner of its state.
    receive: (mail) =>
      told(
        { kind: 'receive', mail },
        mail.flatMap((each) => (each === undefined ? [] : [each.letter.rows.buffer])),
      ) as Promise<Received>,
  }
}

/** The memory of all arrays of a message, which can be given away with it. */
export function buffersOf(message: unknown): ArrayBuffer[] {
  if (ArrayBuffer.isView(message)) return [message.buffer as ArrayBuffer]
  if (typeof message !== 'object' || message === null) return []
  return Object.values(message).flatMap(buffersOf)
}
