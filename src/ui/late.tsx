import { type ComponentType, lazy } from 'react'

/** A part that comes when it is asked for: the page opens without it. What cannot be fetched is said in its place. */
export const late = <P extends object>(load: () => Promise<ComponentType<P>>) =>
  lazy(() =>
    load().then(
      (part) => ({ default: part }),
      () => ({ default: NotLoaded as ComponentType<P> }),
    ),
  )

function NotLoaded() {
  return (
    <span className="quiet" role="alert">
      This could not be loaded: open the page again.
    </span>
  )
}
