import { parentPort, workerData } from 'node:worker_threads'
import { shardOf } from '../checker/check'
import { scenarioNamed } from './setup'
import { buffersOf, type Order, type ShardData } from './workers'

/** A worker that is one shard of a check, and does what it is told. */
const { scenario, question, ...seat } = workerData as ShardData
const shard = shardOf(scenarioNamed(scenario), question, seat)
if (typeof shard === 'string') throw new Error(shard)

parentPort?.on('message', (order: Order) => {
  const said = order.kind === 'expand' ? shard.expand(order.looked) : shard.receive(order.mail)
  parentPort?.postMessage(said, buffersOf(said))
})
