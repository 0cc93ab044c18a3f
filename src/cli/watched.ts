import { setImmediate } from 'node:timers/promises'
import { counted } from './output'

/** A search that can be stopped, and says how far it is. */
interface Stoppable {
  stop(limit: 'time' | 'cancel'): void
  readonly progress: Progress
}

type Progress =
  | { readonly states: number; readonly depth: number }
  | { readonly a: number; readonly b: number; readonly compared: number }

/** Where the line is written that says how far the search is; only a terminal can take it back. */
type Terminal = Pick<NodeJS.WriteStream, 'isTTY'> & { write(text: string): unknown }

/** Exit code of a search that Ctrl-C has ended, as shells have it. */
export const INTERRUPTED = 130

/** How long a search goes on without an ear for Ctrl-C, in milliseconds. */
const SLICE_MS = 10

/** Time between two looks at how far it is, in milliseconds. */
const LOOK_MS = 500

/** Seconds that a timer can wait; a search that may take longer is not stopped. */
const LONGEST = 2_000_000

/** Back to the beginning of the line, and nothing on it. */
const CLEAR = '\r\u001b[K'

/**
 * Lets a search do its work, for so many seconds at most, and returns how many it took. A first Ctrl-C
 * ends the search, a second one all. A terminal shows how far it is.
 */
export async function watched(
  search: Stoppable,
  work: () => Promise<unknown>,
  most?: number,
  terminal: Terminal = process.stderr,
): Promise<number> {
  const start = performance.now()
  const seconds = () => (performance.now() - start) / 1000
  const interrupt = () => search.stop('cancel')
  const isLimited = most !== undefined && most < LONGEST
  const late = isLimited ? setTimeout(() => search.stop('time'), 1000 * most) : undefined
  const show = () => terminal.write(`${CLEAR}${progressText(search.progress, seconds())}`)
  const shown = terminal.isTTY ? setInterval(show, LOOK_MS) : undefined
  process.once('SIGINT', interrupt)
  try {
    await work()
    return seconds()
  } finally {
    process.off('SIGINT', interrupt)
    clearTimeout(late)
    clearInterval(shown)
    if (shown !== undefined) terminal.write(CLEAR)
  }
}

function progressText(progress: Progress, seconds: number): string {
  const time = `${seconds.toFixed(0)} s`
  if ('states' in progress)
    return `${counted(progress.states, 'state')}, depth ${progress.depth}, ${time}`
  const { a, b, compared } = progress
  return `a ${counted(a, 'state')}, b ${counted(b, 'state')}, ${counted(compared)} compared, ${time}`
}

/** When a slice of a search is over, and the pause behind it, in which the terminal and others are heard. */
export function slices() {
  let until = 0
  return {
    isOver: () => performance.now() >= until,
    async pause() {
      await setImmediate()
      until = performance.now() + SLICE_MS
    },
  }
}

/** Searches to the end in slices, or until it is enough; false when there is nothing left to do. */
export async function inSlices(
  search: { advance(isOver: () => boolean): boolean },
  isEnough = () => false,
): Promise<boolean> {
  const { isOver, pause } = slices()
  while (search.advance(() => isOver() || isEnough())) {
    if (isEnough()) return true
    await pause()
  }
  return false
}
