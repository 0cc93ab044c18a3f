import { lazy, Suspense, useState } from 'react'
import { isAsRecorded } from '../scenarios/open'
import { useOpened } from '../store/store'

const RecordingDialog = lazy(() =>
  import('./RecordingDialog').then(
    (module) => ({ default: module.RecordingDialog }),
    () => ({ default: NotLoaded }),
  ),
)

/** Says that a real kernel was seen doing what the story tells; opens what that kernel printed. */
export function RecordedBadge() {
  const opened = useOpened()
  const [isOpen, setIsOpen] = useState(false)
  const { scenario, setup } = opened
  const { recorded } = scenario
  if (recorded === undefined) return null
  const isSame = isAsRecorded(scenario, setup)
  return (
    <>
      <button
        type="button"
        className={isSame ? 'badge' : 'badge other'}
        aria-haspopup="dialog"
        title="What the kernel printed, beside what the engine says"
        onClick={() => setIsOpen(true)}
      >
        {isSame ? `recorded on ${recorded.kernel}` : 'not recorded with these policies'}
      </button>
      {isOpen && (
        <Suspense>
          <RecordingDialog file={recorded.file} onClose={() => setIsOpen(false)} />
        </Suspense>
      )}
    </>
  )
}

/** What replays recordings could not be fetched: said where the badge is. */
function NotLoaded() {
  return (
    <span className="quiet" role="alert">
      The recordings could not be loaded.
    </span>
  )
}
