import { Dialog } from './Dialog'
import { evidenceWords } from './EvidenceMark'

const KEYS = [
  ['→ ←', 'one step forth, one step back'],
  ['space', 'play and pause'],
  ['Home, End', 'first and last moment'],
  ['Tab, Enter', 'go from mark to mark, open its menu'],
  ['↑ ↓, Escape', 'move in a menu, close it'],
] as const

const COLOURS = [
  ['mapped', 'a page table entry, and what it maps'],
  ['pinned', 'held by a reference, locked, or dirty'],
  ['owned', 'belongs to a file or a device'],
  ['broken', 'breaks a property'],
  ['poisoned', 'has lost its bytes'],
  ['gone', 'hatched: no struct page, no owner'],
] as const

/** What the page is, its keys and its colours. */
export function Help({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="About this page" onClose={onClose}>
      <p>
        Pinhole is a small, exact simulation of the part of Linux that decides who may still touch a
        page of memory. Every step is what the named function does in the cited version; what is
        left out is said beside it. Click any object to see its fields and what can be done with it.
        A choice in the past makes a branch; nothing is lost.
      </p>
      <h3>Keys</h3>
      <dl>
        {KEYS.map(([key, does]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <h3>Scale</h3>
      <p>
        Bars of files and devices are to scale, with a least width for a single page. In the last
        lane a height follows the logarithm of the range’s size, gaps are not drawn, and what is
        folded away is counted. A CXL decoder that decodes is filled, one at reset is hollow; a wire
        with a cross leads to a link that is down, and the thick wires lead to the card that serves
        the address below them.
      </p>
      <h3>How sure</h3>
      <dl>
        {Object.entries(evidenceWords).map(([evidence, [word, means]]) => (
          <div key={evidence}>
            <dt>
              <span className={`evidence ${evidence}`}>{word}</span>
            </dt>
            <dd>{means}</dd>
          </div>
        ))}
      </dl>
      <h3>Colours</h3>
      <dl>
        {COLOURS.map(([tone, means]) => (
          <div key={tone}>
            <dt>
              <span className={`swatch tone-${tone}`} aria-hidden="true" /> {tone}
            </dt>
            <dd>{means}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}
