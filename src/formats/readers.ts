/** What reads listings and recordings: a script of its own, which the page loads when something is imported. */
export { readAny } from '.'
export { replay } from './recording/replay'
