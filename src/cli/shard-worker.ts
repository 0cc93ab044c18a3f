import { parentPort, workerData } from 'node:worker_threads'
import { shardOf } from '../checker/check'
import { type Assignment, type Order, obey } from '../checker/orders'
import { scenarioNamed } from './setup'

/** A worker that is one shard of a check, and does what it is told. */
const { kind: _, scenario, question, ...seat } = workerData as Assignment
const shard = shardOf(scenarioNamed(scenario), question, seat)
if (typeof shard === 'string') throw new Error(shard)

parentPort?.on('message', (order: Order) => {
  const { said, given } = obey(shard, order)
  parentPort?.postMessage(said, given)
})
