import { useEffect } from 'react'
import { linkNow, openLink } from '../store/link'
import { usePinhole } from '../store/store'
import { BoardPanel } from './BoardPanel'
import { Header } from './Header'
import { useKeys, usePlaying, useTheme } from './hooks'
import { importFiles } from './ImportDialog'
import { Inspector } from './Inspector'
import { Notice } from './Notice'
import { Properties } from './Properties'
import { Story } from './Story'
import { Threads } from './Threads'
import { TimelinePanel } from './TimelinePanel'

/** The whole page. */
export function App() {
  useKeys()
  usePlaying()
  useTheme()
  useAddress()
  useDrop()
  return (
    <>
      <Header />
      <Notice />
      <main>
        <Story />
        <BoardPanel />
        <div className="time">
          <Threads />
          <TimelinePanel />
        </div>
        <div className="panels">
          <Inspector />
          <Properties />
        </div>
      </main>
    </>
  )
}

/** The address follows the moment after this pause, in milliseconds. */
const ADDRESS_PAUSE_MS = 300

/** Keeps the link of this moment in the address, without a history entry for every step. */
function useAddress() {
  const version = usePinhole((state) => state.version)
  useEffect(() => {
    if (version === 0) return
    const timer = setTimeout(() => {
      const link = linkNow()
      // What has no link leaves none of another moment in the address.
      const address = 'fragment' in link ? `#${link.fragment}` : location.pathname + location.search
      history.replaceState(null, '', address)
    }, ADDRESS_PAUSE_MS)
    return () => clearTimeout(timer)
  }, [version])
  useEffect(() => {
    const onHash = () => void openLink(location.hash)
    window.addEventListener('hashchange', onHash)
    return () => window.removeEventListener('hashchange', onHash)
  }, [])
}

/** Files may be dropped anywhere. */
function useDrop() {
  useEffect(() => {
    const onOver = (event: DragEvent) => event.preventDefault()
    const onDrop = (event: DragEvent) => {
      event.preventDefault()
      void importFiles([...(event.dataTransfer?.files ?? [])])
    }
    window.addEventListener('dragover', onOver)
    window.addEventListener('drop', onDrop)
    return () => {
      window.removeEventListener('dragover', onOver)
      window.removeEventListener('drop', onDrop)
    }
  }, [])
}
