import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { openAddress } from './store/address'
import { chooseTheme } from './store/attention'
import { loadScenarios } from './store/library'
import { App } from './ui/App'
import { ErrorBoundary } from './ui/ErrorBoundary'
import './diagrams/shared/theme.css'
import './diagrams/shared/board.css'
import './ui/page.css'
import './ui/check.css'

const query = new URLSearchParams(location.search)

async function open(): Promise<void> {
  const theme = query.get('theme')
  if (theme === 'light' || theme === 'dark') chooseTheme(theme)
  // Some mail programs turn the # of a link into %23: then the fragment is in the path.
  const fragment = location.hash !== '' ? location.hash : /%23(.*)$/.exec(location.href)?.[0]
  if (fragment !== undefined && fragment.length > 1) await openAddress(fragment)
}

async function render(): Promise<void> {
  const root = document.getElementById('root')
  if (root === null) return
  const Page = query.has('embed') ? (await import('./embed/Embed')).Embed : App
  createRoot(root).render(
    <StrictMode>
      <ErrorBoundary>
        <Page />
      </ErrorBoundary>
    </StrictMode>,
  )
}

// A library that does not arrive is no loss to the story that is open; a link to another says so.
const arrive = () => loadScenarios().catch(() => undefined)

// The checker's worker takes its parts from this script as well, and has no page to draw.
if (typeof document !== 'undefined')
  void open()
    .catch(() => undefined)
    .then(render)
    .finally(arrive)
