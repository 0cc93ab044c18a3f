import { flushSync } from 'react-dom'

/**
 * Closes a dialog in which a moment was opened, and gives the focus to the timeline; what was in view
 * stays there. The pointer is still where the dialog was clicked: what is below it counts as pointed
 * at only when it moves.
 */
export function toTheMoment(close: () => void): void {
  const { classList } = document.documentElement
  classList.add('still')
  window.addEventListener('pointermove', () => classList.remove('still'), { once: true })
  flushSync(close)
  document.querySelector<HTMLElement>('.track')?.focus({ preventScroll: true })
}
