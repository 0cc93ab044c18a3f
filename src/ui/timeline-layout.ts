import type { Moment } from '../machine'

/** A step on its thread's lane; `x` is a part of the whole, 0 to 1. */
export interface Tick {
  readonly moment: number
  readonly x: number
  readonly label: string | undefined
  readonly ended: boolean
}

export interface LaneView {
  readonly task: number
  readonly who: string
  readonly ticks: readonly Tick[]
}

/** Width of a label's character, in parts of a thousand pixels. */
const CHARACTER = 0.0062

/** Lanes with a tick for every moment, and as many labels as fit without touching each other. */
export function layoutTimeline(
  moments: readonly (Moment | undefined)[],
  length: number,
): LaneView[] {
  const known = moments.flatMap((moment, i) =>
    moment === undefined ? [] : [{ moment, at: i + 1 }],
  )
  const tasks = [...new Set(known.map(({ moment }) => moment.task))].sort((a, b) => a - b)
  return tasks.map((task) => {
    const mine = known.filter(({ moment }) => moment.task === task)
    let free = 0
    let last = ''
    const ticks = mine.map(({ moment, at }) => {
      const x = length === 0 ? 0 : at / length
      const name = moment.fn
      const half = (name.length * CHARACTER) / 2
      const fits = name !== last && x - half >= free && x + half <= 1.02
      if (fits) {
        free = x + half + CHARACTER
        last = name
      }
      return { moment: at, x, label: fits ? name : undefined, ended: moment.returned !== undefined }
    })
    return { task, who: mine[0]?.moment.who ?? '', ticks }
  })
}
