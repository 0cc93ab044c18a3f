import { setState } from './store'

/** Links name operations by their places among all of them, and so arrive with the library. */
const links = () => import('./link')

/** The fragment that the page wrote last: nobody asks for it by putting it there. */
let written = ''

/** Opens the moment of the address; a sentence says why not, where the reader of links does not arrive. */
export async function openAddress(fragment: string): Promise<void> {
  if (fragment === written) return
  const arrived = await links().catch(() => undefined)
  if (arrived !== undefined) await arrived.openLink(fragment)
  else setState({ notice: 'What reads links could not be loaded: open the link again.' })
}

/** Puts the link of this moment into the address, without a history entry for every step. */
export async function writeAddress(): Promise<void> {
  const arrived = await links().catch(() => undefined)
  if (arrived === undefined) return
  const link = arrived.linkNow()
  // What has no link leaves none of another moment in the address.
  const address = 'fragment' in link ? `#${link.fragment}` : location.pathname + location.search
  written = 'fragment' in link ? address : ''
  history.replaceState(null, '', address)
}
