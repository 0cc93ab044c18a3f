import { useState } from 'react'
import { importText } from '../store/import'
import { usePinhole } from '../store/store'
import { Dialog } from './Dialog'

/** Copies of real machines that come with the page. */
const BUILT_IN = [
  { file: 'qemu-q35-pmem.iomem.txt', title: '/proc/iomem of a QEMU q35 with pmem' },
  { file: 'qemu-q35-pmem.ndctl-list.json', title: 'ndctl list of the same machine' },
  { file: 'qemu-q35-cxl-window.iomem.txt', title: '/proc/iomem of a QEMU q35 with a CXL window' },
] as const

/** Files larger than this are not even read, in bytes. */
export const MAX_FILE_BYTES = 16 * 1024 * 1024

/** A paste of more characters is imported at once: a text field of that size takes seconds to lay out. */
const LARGE_PASTE = 200_000

/** Reads files and imports them, in the order of their names: iomem comes before ndctl. */
export async function importFiles(files: readonly File[]): Promise<void> {
  const sorted = [...files].sort((a, b) => (a.name < b.name ? -1 : 1))
  for (const file of sorted.slice(0, 8))
    await importText(file.size > MAX_FILE_BYTES ? '\n'.repeat(200_002) : await file.text())
}

/** Paste, drop or choose what a machine printed. */
export function ImportDialog({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState('')
  const findings = usePinhole((state) => state.findings)
  return (
    <Dialog title="Import a machine" onClose={onClose}>
      <p>
        Paste <code>/proc/iomem</code> (read as root), <code>ndctl list -RN</code>,{' '}
        <code>cxl list -vv</code>, <code>daxctl list</code>, or a kernel recording, also straight
        out of a mail. Nothing leaves this page.
      </p>
      <textarea
        aria-label="Text to import"
        rows={9}
        spellCheck={false}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onPaste={(event) => {
          const pasted = event.clipboardData.getData('text')
          if (pasted.length < LARGE_PASTE) return
          event.preventDefault()
          void importText(pasted)
        }}
      />
      <div className="dialog-buttons">
        <button type="button" className="primary" onClick={() => void importText(text)}>
          Import the text
        </button>
        <label className="button">
          Choose files
          <input
            type="file"
            multiple
            className="visually-hidden"
            onChange={(event) => void importFiles([...(event.target.files ?? [])])}
          />
        </label>
      </div>
      <ul className="findings" aria-live="polite">
        {findings.map((each) => (
          <li key={each}>{each}</li>
        ))}
      </ul>
      <h3>Or a machine that comes with the page</h3>
      <ul className="built-in">
        {BUILT_IN.map(({ file, title }) => (
          <li key={file}>
            <button
              type="button"
              className="link"
              onClick={() => void fetchText(file).then(setAndImport(setText))}
            >
              {title}
            </button>
          </li>
        ))}
      </ul>
    </Dialog>
  )
}

const fetchText = async (file: string): Promise<string> => {
  try {
    const answer = await fetch(`./machines/${file}`)
    return answer.ok ? await answer.text() : ''
  } catch {
    // Opened from a file, or in a sandbox: the built-in copies cannot be fetched.
    return ''
  }
}

const setAndImport = (setText: (text: string) => void) => (text: string) => {
  setText(text)
  void importText(text)
}
