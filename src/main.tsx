import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { Embed } from './embed/Embed'
import { chooseTheme } from './store/attention'
import { loadScenarios } from './store/library'
import { openLink } from './store/link'
import { App } from './ui/App'
import { ErrorBoundary } from './ui/ErrorBoundary'
import './diagrams/shared/theme.css'
import './diagrams/shared/board.css'
import './ui/page.css'

const query = new URLSearchParams(location.search)
const theme = query.get('theme')
if (theme === 'light' || theme === 'dark') chooseTheme(theme)

// Some mail programs turn the # of a link into %23: then the fragment is in the path.
const fragment = location.hash !== '' ? location.hash : /%23(.*)$/.exec(location.href)?.[0]

const root = document.getElementById('root')
const render = () => {
  if (root === null) return
  createRoot(root).render(
    <StrictMode>
      <ErrorBoundary>{query.has('embed') ? <Embed /> : <App />}</ErrorBoundary>
    </StrictMode>,
  )
}
const isLink = fragment !== undefined && fragment.length > 1
void (isLink ? openLink(fragment) : Promise.resolve()).finally(() => {
  render()
  // A library that does not arrive is no loss to the story that is open; a link to another says so.
  loadScenarios().catch(() => undefined)
})
