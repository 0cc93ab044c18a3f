import { useEffect } from 'react'
import { move, togglePlay } from '../store/session'
import { usePinhole } from '../store/store'

/** Milliseconds a step takes while the story plays. */
const PLAY_MS = 550

/** Takes a step now and then while the page plays. */
export function usePlaying(): void {
  const isPlaying = usePinhole((state) => state.isPlaying)
  useEffect(() => {
    if (!isPlaying) return
    const timer = setInterval(() => move(1), PLAY_MS)
    return () => clearInterval(timer)
  }, [isPlaying])
}

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName))

/** ← and → step, space plays, Home and End go to the ends; unless somebody types, or a dialog is open. */
export function useKeys(): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented) return
      if (isTyping(event.target) || document.querySelector('dialog[open]') !== null) return
      if (event.key === ' ' && event.target instanceof HTMLButtonElement) return
      const act = keys[event.key]
      if (act === undefined) return
      event.preventDefault()
      act()
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [])
}

const keys: Readonly<Record<string, () => void>> = {
  ArrowRight: () => move(1),
  ArrowLeft: () => move(-1),
  Home: () => move(Number.NEGATIVE_INFINITY),
  End: () => move(Number.POSITIVE_INFINITY),
  ' ': togglePlay,
}

/** The chosen theme as an attribute of the page, for the style sheets. */
export function useTheme(): void {
  const theme = usePinhole((state) => state.theme)
  useEffect(() => {
    if (theme === 'auto') delete document.documentElement.dataset['theme']
    else document.documentElement.dataset['theme'] = theme
  }, [theme])
}
