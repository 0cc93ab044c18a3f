import { dismissNotice } from '../store/attention'
import { usePinhole } from '../store/store'

/** One sentence that the page has to say. */
export function Notice() {
  const notice = usePinhole((state) => state.notice)
  return (
    <div className="notice-place" role="status">
      {notice !== undefined && (
        <p className="notice">
          {notice}
          <button type="button" aria-label="Dismiss" onClick={dismissNotice}>
            ✕
          </button>
        </p>
      )}
    </div>
  )
}
