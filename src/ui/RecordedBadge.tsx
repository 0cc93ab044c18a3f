import { Suspense, useState } from 'react'
import { isAsRecorded } from '../scenarios/open'
import { useOpened } from '../store/store'
import { late } from './late'
import { withStoryUpTo } from './with-story'

const RecordingDialog = late(async () => (await import('./RecordingDialog')).RecordingDialog)

/** Says that a real kernel was seen doing what the story tells; opens what that kernel printed. */
export function RecordedBadge() {
  const opened = useOpened()
  const [isOpen, setIsOpen] = useState(false)
  const { scenario, setup, timeline } = opened
  const { recorded } = scenario
  if (recorded === undefined) return null
  const isSame = isAsRecorded(scenario, setup)
  const isRecorded = isSame && timeline.cursor <= withStoryUpTo(opened)
  return (
    <>
      <button
        type="button"
        className={isRecorded ? 'badge' : 'badge other'}
        aria-haspopup="dialog"
        title="What the kernel printed, beside what the engine says"
        onClick={() => setIsOpen(true)}
      >
        {isRecorded
          ? `recorded on ${recorded.kernel}`
          : `not recorded ${isSame ? 'in this order' : 'with these policies'}`}
      </button>
      {isOpen && (
        <Suspense>
          <RecordingDialog file={recorded.file} onClose={() => setIsOpen(false)} />
        </Suspense>
      )}
    </>
  )
}
