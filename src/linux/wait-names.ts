import type { Holder } from '../machine'
import type { Kernel } from './kernel'

/** `deadlock: A → T → A`. */
export function circleName(k: Kernel, circle: readonly number[]): string {
  const names = circle.map((task) => k.tasks.at(task).name)
  return `deadlock: ${[...names, names[0]].join(' → ')}`
}

/** `A waits for T, and T waits for A`. */
export const circleSentence = (k: Kernel, circle: readonly number[]): string =>
  circle
    .map((task, i) => {
      const next = circle[i + 1] ?? (circle[0] as number)
      return `${k.tasks.at(task).name} waits for ${k.tasks.at(next).name}`
    })
    .join(', and ')

/** `A (FOLL_PIN)`, `T`, `the disk`: a holder in words. */
export function holderName(k: Kernel, { task, by }: Holder): string {
  if (task === 0) return by ?? 'nobody'
  const { name } = k.tasks.at(task)
  return by === undefined ? name : `${name} (${by})`
}
