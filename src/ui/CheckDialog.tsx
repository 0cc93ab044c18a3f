import { useState } from 'react'
import { presets } from '../linux/presets'
import { ask, cancel } from '../store/checking'
import type { Wish } from '../store/state'
import { getState, useOpened, usePinhole } from '../store/store'
import { CheckAnswer } from './CheckAnswer'
import { CheckTable } from './CheckTable'
import { CheckWish, firstWish } from './CheckWish'
import { Dialog } from './Dialog'
import { toTheMoment } from './to-the-moment'

export { CheckSign } from './CheckSign'

/** Explores every interleaving of what the page shows, also when this is closed, and says what comes of it. */
export function CheckDialog({ onClose }: { onClose: () => void }) {
  const [wish, setWish] = useState<Wish>(() => getState().checking?.asked.wish ?? firstWish())
  const phase = usePinhole(({ checking }) => checking?.phase)
  const isRunning = phase === 'searching' || phase === 'judging'
  return (
    <Dialog title="Check" onClose={onClose} isWide>
      {/* No form: a frame with sandbox="allow-scripts" may not send one. */}
      <div className="check">
        <Subject />
        <CheckWish wish={wish} onChange={setWish} isDisabled={isRunning} />
        <div className="dialog-buttons">
          {isRunning ? (
            <button type="button" onClick={cancel}>
              Cancel
            </button>
          ) : (
            <button type="button" className="primary" onClick={() => void ask(wish)}>
              Check
            </button>
          )}
        </div>
      </div>
      <CheckAnswer onOpen={() => toTheMoment(onClose)} />
      <CheckTable />
    </Dialog>
  )
}

/** What would be asked about now: the header is behind the dialog. */
function Subject() {
  const { scenario, preset } = useOpened()
  const kernel = presets.find(({ name }) => name === preset)?.title ?? preset
  return <p aria-live="polite">{`${scenario.title} · ${kernel}`}</p>
}
