import { Conversation } from '../checker/conversation'
import { scenarios } from '../scenarios'

/** Slices are so short that a cancel is heard at once, and so long that they cost nothing. */
const SLICE_MS = 30

/** Unlike a timer, a message to oneself waits for the messages before it, and for nothing else. */
const { port1, port2 } = new MessageChannel()
let next = () => {}
port1.onmessage = () => next()

const conversation = new Conversation({
  scenario: (name) => scenarios.find((each) => each.name === name),
  say: (reply) => postMessage(reply),
  now: () => performance.now(),
  later(go) {
    next = go
    port2.postMessage(undefined)
  },
  slice: SLICE_MS,
})

addEventListener('message', ({ data }) => conversation.hear(data))
postMessage('ready')
