import type { Reply, Request } from '../checker/messages'
import type { Scenario } from '../scenarios/scenario'
import { getState } from './store'

/** A checker that can be talked to, wherever it runs. */
export interface Line {
  readonly place: 'worker' | 'page'
  say(request: Request): void
  /** Ends it, whatever it is at. */
  end(): void
}

type Listener = (reply: Reply) => void

/**
 * A line to a checker in a worker; or, where no worker can be made, to one on the page, which works
 * between two pictures. So does that of an imported machine, which no worker’s library has.
 */
export async function openLine(scenario: Scenario, listen: Listener): Promise<Line> {
  const isInLibrary = getState().scenarios.includes(scenario)
  const worker = isInLibrary ? await startWorker().catch(() => undefined) : undefined
  return worker === undefined ? lineOnPage(scenario, listen) : lineTo(worker, listen)
}

/** A worker that is ready. A host may forbid it, and a page from a file may not load scripts in one. */
function startWorker(): Promise<Worker> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./check-worker.ts', import.meta.url), { type: 'module' })
    worker.onmessage = () => resolve(worker)
    worker.onerror = (event) => {
      event.preventDefault()
      worker.terminate()
      reject(event)
    }
  })
}

function lineTo(worker: Worker, listen: Listener): Line {
  worker.onmessage = ({ data }) => listen(data)
  worker.onerror = ({ message }) =>
    listen({ kind: 'refused', sentence: `The checker broke down: ${message}.` })
  return {
    place: 'worker',
    say: (request) => worker.postMessage(request),
    end: () => worker.terminate(),
  }
}

/** A slice that leaves the page time for a picture. */
const SLICE_MS = 10

async function lineOnPage(scenario: Scenario, listen: Listener): Promise<Line> {
  const { Conversation } = await import('../checker/conversation')
  let isOpen = true
  const conversation = new Conversation({
    scenario: () => scenario,
    say: (reply) => isOpen && listen(reply),
    now: () => performance.now(),
    later: (go) => setTimeout(() => isOpen && go()),
    slice: SLICE_MS,
  })
  return {
    place: 'page',
    say: (request) => setTimeout(() => isOpen && conversation.hear(request)),
    end() {
      isOpen = false
    },
  }
}
