/** What reads listings and recordings: the page loads it when something is imported. */
export { readAny } from '.'
export { replay } from './recording/replay'
