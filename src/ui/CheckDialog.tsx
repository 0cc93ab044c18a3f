import { useState } from 'react'
import { ask, cancel, type Wish } from '../store/checking'
import { usePinhole } from '../store/store'
import { CheckAnswer } from './CheckAnswer'
import { CheckTable } from './CheckTable'
import { CheckWish, firstWish } from './CheckWish'
import { Dialog } from './Dialog'

/** Explores every interleaving of what the page shows, and says what comes of it. */
export function CheckDialog({ onClose }: { onClose: () => void }) {
  const [wish, setWish] = useState<Wish>(firstWish)
  const phase = usePinhole(({ checking }) => checking?.phase)
  const isRunning = phase === 'searching' || phase === 'judging'
  const close = () => {
    cancel()
    onClose()
  }
  return (
    <Dialog title="Check" onClose={close} isWide>
      {/* No form: a frame with sandbox="allow-scripts" may not send one. */}
      <div className="check">
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
      <CheckAnswer onOpen={onClose} />
      <CheckTable />
    </Dialog>
  )
}
