import { flushSync } from 'react-dom'

/**
 * Closes a dialog in which a moment was opened, and goes to the timeline, where the moment is. The
 * pointer is still where the dialog was clicked: what is below it counts as pointed at only when it moves.
 */
export function toTheMoment(close: () => void): void {
  const { classList } = document.documentElement
  classList.add('still')
  window.addEventListener('pointermove', () => classList.remove('still'), { once: true })
  flushSync(close)
  document.querySelector<HTMLElement>('.track')?.focus()
}
