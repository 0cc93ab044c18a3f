import type { Answer } from '../checker/check'
import { isCurrent } from '../store/checking'
import type { Checking } from '../store/state'
import { useOpened, usePinhole } from '../store/store'
import { signs } from './check-words'

const words: Readonly<Record<Answer['verdict'], string>> = {
  holds: 'nothing breaks',
  broken: 'something is broken',
  hang: 'a thread can hang',
  livelock: 'threads can go round for ever',
  limit: 'stopped before the end',
}

/** Beside the word on the button: that a search runs, or what came of it. */
export function CheckSign() {
  const checking = usePinhole((state) => state.checking)
  const opened = useOpened()
  if (checking === undefined) return null
  const { answer, asked } = checking
  const isAbout = isCurrent(asked, opened) ? '' : ', under another kernel or rule'
  return (
    <span className={`check-sign ${isAbout === '' ? (answer?.verdict ?? '') : 'stale'}`}>
      <span aria-hidden="true">{signOf(checking)}</span>
      <span className="visually-hidden">{` (${wordsOf(checking)}${isAbout})`}</span>
    </span>
  )
}

const isRunning = ({ phase }: Checking): boolean => phase === 'searching' || phase === 'judging'

const signOf = (checking: Checking): string =>
  checking.answer !== undefined ? signs[checking.answer.verdict] : isRunning(checking) ? '⋯' : '–'

const wordsOf = (checking: Checking): string =>
  checking.answer !== undefined
    ? words[checking.answer.verdict]
    : isRunning(checking)
      ? 'a search runs'
      : 'not answered'
