import { useEffect } from 'react'
import { openAddress, writeAddress } from '../store/address'
import { usePinhole } from '../store/store'
import { BoardPanel } from './BoardPanel'
import { Header } from './Header'
import { useKeys, usePlaying, useTheme } from './hooks'
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

/** Keeps the link of this moment in the address, and opens the one that is put there. */
function useAddress() {
  const version = usePinhole((state) => state.version)
  useEffect(() => {
    if (version === 0) return
    const timer = setTimeout(() => void writeAddress(), ADDRESS_PAUSE_MS)
    return () => clearTimeout(timer)
  }, [version])
  useEffect(() => {
    const onHash = () => void openAddress(location.hash)
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
      const files = [...(event.dataTransfer?.files ?? [])]
      void import('./ImportDialog').then(({ importFiles }) => importFiles(files))
    }
    window.addEventListener('dragover', onOver)
    window.addEventListener('drop', onDrop)
    return () => {
      window.removeEventListener('dragover', onOver)
      window.removeEventListener('drop', onDrop)
    }
  }, [])
}
