import { linkNow } from '../store/link'
import { usePinhole } from '../store/store'
import { BoardPanel } from '../ui/BoardPanel'
import { useKeys, usePlaying, useTheme } from '../ui/hooks'
import { Notice } from '../ui/Notice'
import { TimelinePanel } from '../ui/TimelinePanel'

/**
 * The board alone, for another page's frame. It works with an opaque origin: it touches no storage,
 * no history and no address but its own.
 */
export function Embed() {
  useKeys()
  usePlaying()
  useTheme()
  usePinhole((state) => state.version)
  const link = linkNow()
  const fragment = 'fragment' in link ? link.fragment : ''
  return (
    <main className="embed">
      <Notice />
      <BoardPanel />
      <TimelinePanel />
      <p className="open-full">
        <a href={`${location.pathname}#${fragment}`} target="_blank" rel="noopener">
          Open in Pinhole
        </a>
      </p>
    </main>
  )
}
