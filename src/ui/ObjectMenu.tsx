import { type RefObject, useEffect, useRef } from 'react'
import type { Target } from '../machine'
import { zoomTo } from '../store/attention'
import { type MenuItem, menuFor } from '../store/menu'
import { begin } from '../store/session'
import { useOpened, usePinhole } from '../store/store'
import { describeTarget } from './describe'

interface MenuProps {
  readonly target: Target
  /** Where the clicked mark is on the screen, in pixels. */
  readonly x: number
  readonly y: number
  readonly onClose: () => void
}

const WIDTH = 340

/** What can be begun at an object. What cannot be now stays in the list, greyed, with its reason. */
export function ObjectMenu({ target, x, y, onClose }: MenuProps) {
  const opened = useOpened()
  const box = useRef<HTMLDivElement>(null)
  useClosing(box, onClose)
  const items = menuFor(opened.timeline, target)
  const left = Math.max(8, Math.min(x, window.innerWidth - WIDTH - 8))
  const top = Math.min(y + 4, Math.max(8, window.innerHeight - 80 - items.length * 64))
  const choose = (item: MenuItem, run: boolean) => {
    onClose()
    begin(item.task, item.operation, item.args, run)
  }
  return (
    <div
      className="menu"
      role="dialog"
      aria-label="What can be done here"
      ref={box}
      style={{ left, top }}
    >
      <p className="menu-title">{describeTarget(opened.timeline.kernel, target)}</p>
      {target.kind === 'resource' && <ZoomItem id={target.id} onClose={onClose} />}
      {items.length === 0 && <p className="quiet">Nothing can be begun at this object.</p>}
      <ul>
        {items.map((item) => (
          <li key={item.operation} className={item.refused === undefined ? '' : 'refused'}>
            <button
              type="button"
              aria-disabled={item.refused !== undefined}
              title={item.does}
              onClick={() => item.refused === undefined && choose(item, true)}
            >
              <span className="menu-label">{item.label}</span>
              <span className="quiet">
                {item.refused ?? `by ${item.who} · ${item.operation}()`}
              </span>
            </button>
            {item.refused === undefined && (
              <button
                type="button"
                className="minor"
                onClick={() => choose(item, false)}
                aria-label={`${item.label}, step by step`}
              >
                step by step
              </button>
            )}
          </li>
        ))}
      </ul>
    </div>
  )
}

function ZoomItem({ id, onClose }: { id: number; onClose: () => void }) {
  const focus = usePinhole((state) => state.focus)
  const isIn = focus === id
  return (
    <button
      type="button"
      className="zoom"
      onClick={() => {
        zoomTo(isIn || focus !== 0 ? 0 : id)
        onClose()
      }}
    >
      {focus === 0 ? 'Zoom to what is inside this range' : 'Zoom out to all ranges'}
    </button>
  )
}

/** Escape, and a click elsewhere, close; focus goes in when the menu opens, and back when it closes. */
function useClosing(box: RefObject<HTMLDivElement | null>, onClose: () => void) {
  // The latest closure, so that the effect below runs once: it moves the focus.
  const close = useRef(onClose)
  close.current = onClose
  useEffect(() => {
    const before = document.activeElement
    box.current?.querySelector('button')?.focus()
    const onKey = (event: KeyboardEvent) => {
      if (event.key === 'Escape') close.current()
      if (event.key === 'ArrowDown' || event.key === 'ArrowUp') moveFocus(event, box.current)
    }
    const onDown = (event: PointerEvent) => {
      if (event.target instanceof Node && box.current?.contains(event.target) === false)
        close.current()
    }
    document.addEventListener('keydown', onKey)
    document.addEventListener('pointerdown', onDown)
    return () => {
      document.removeEventListener('keydown', onKey)
      document.removeEventListener('pointerdown', onDown)
      if (before instanceof HTMLElement || before instanceof SVGElement) before.focus()
    }
  }, [box])
}

function moveFocus(event: KeyboardEvent, box: HTMLDivElement | null) {
  const buttons = [...(box?.querySelectorAll('button') ?? [])]
  const at = buttons.indexOf(document.activeElement as HTMLButtonElement)
  const next = at + (event.key === 'ArrowDown' ? 1 : -1)
  event.preventDefault()
  buttons[(next + buttons.length) % buttons.length]?.focus()
}
