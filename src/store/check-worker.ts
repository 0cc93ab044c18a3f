import { shardOf } from '../checker/check'
import { Conversation, type Helper } from '../checker/conversation'
import { type Assignment, memberOf, obey } from '../checker/orders'
import { scenarios } from '../scenarios'

/** Slices are so short that a cancel is heard at once, and so long that they cost nothing. */
const SLICE_MS = 30

const named = (name: string) => scenarios.find((each) => each.name === name)

/** A worker that has an assignment is a shard of a search, any other a checker that is talked to. */
addEventListener(
  'message',
  ({ data }) => {
    if (data?.kind === 'assignment') beShard(data)
    else beChecker().hear(data)
  },
  { once: true },
)

function beChecker(): Conversation {
  // Unlike a timer, a message to oneself waits for the messages before it, and for nothing else.
  const { port1, port2 } = new MessageChannel()
  const waiting: (() => void)[] = []
  port1.onmessage = () => waiting.shift()?.()
  const conversation = new Conversation({
    scenario: named,
    say: (reply) => postMessage(reply),
    now: () => performance.now(),
    later(go) {
      waiting.push(go)
      port2.postMessage(undefined)
    },
    slice: SLICE_MS,
    hire,
  })
  addEventListener('message', ({ data }) => conversation.hear(data))
  return conversation
}

function beShard({ kind: _, scenario: name, question, ...seat }: Assignment): void {
  const scenario = named(name)
  const shard = scenario === undefined ? `no scenario "${name}"` : shardOf(scenario, question, seat)
  if (typeof shard === 'string') throw new Error(shard)
  addEventListener('message', ({ data }) => {
    const { said, given } = obey(shard, data)
    postMessage(said, { transfer: given })
  })
}

/** One more worker of this kind, which is told what it is as soon as it listens. */
function hire(assignment: Assignment): Helper {
  const worker = new Worker(new URL('./check-worker.ts', import.meta.url), { type: 'module' })
  const listens = new Promise<void>((resolve) => {
    worker.onmessage = () => {
      worker.postMessage(assignment)
      resolve()
    }
  })
  const member = memberOf({
    send: (order, given) => listens.then(() => worker.postMessage(order, [...given])),
    hear(said, failed) {
      listens.then(() => {
        worker.onmessage = ({ data }) => said(data)
      })
      worker.onerror = failed
      worker.onmessageerror = failed
    },
  })
  return { ...member, dismiss: () => worker.terminate() }
}

postMessage('ready')
