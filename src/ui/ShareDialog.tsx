import { useState } from 'react'
import { mailText, scheduleFile } from '../store/exports'
import { linkNow } from '../store/link'
import { Dialog } from './Dialog'
import { SaveButton } from './SaveButton'

/** The link to this moment, made now, with its length; and how to embed it. */
export function ShareDialog({ onClose }: { onClose: () => void }) {
  const [copied, setCopied] = useState(false)
  const link = linkNow()
  if ('refused' in link)
    return (
      <Dialog title="Share this moment" onClose={onClose}>
        <p>{link.refused}</p>
      </Dialog>
    )
  const base = location.href.replace(/[?#].*$/s, '')
  const address = `${base}#${link.fragment}`
  const embed = `<iframe title="Pinhole" sandbox="allow-scripts" width="1200" height="760" src="${base}?embed#${link.fragment}"></iframe>`
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(address)
      setCopied(true)
    } catch {
      // No permission: the text is selected in its field, to be copied by hand.
      document.querySelector<HTMLInputElement>('#share-link')?.select()
    }
  }
  return (
    <Dialog title="Share this moment" onClose={onClose}>
      <label className="field">
        Link
        <input
          id="share-link"
          readOnly
          value={address}
          onFocus={(event) => event.target.select()}
        />
      </label>
      <p className="quiet">{link.says}. It holds the schedule, never the state.</p>
      <div className="dialog-buttons">
        <button type="button" className="primary" onClick={() => void copy()}>
          {copied ? 'Copied' : 'Copy the link'}
        </button>
        <SaveButton label="Save as text for a mail" make={() => mailText(base)} />
        <SaveButton label="Save the schedule" make={scheduleFile} />
      </div>
      <label className="field">
        Embed
        <textarea readOnly rows={3} value={embed} onFocus={(event) => event.target.select()} />
      </label>
    </Dialog>
  )
}
