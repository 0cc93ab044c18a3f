/** What reads listings and recordings, and makes machines of them: the page loads it when something is imported. */
export { readAny } from '.'
export { cxlMachineOf } from './cxl-import'
export { machineOf } from './machine-import'
export { replay } from './recording/replay'
