import { aptInstalls, works } from './apt.mjs'

/** Makes sure that there is SPIN, the model checker that checks ours; false where it cannot be had. */
export const installSpin = () => works('spin', ['-V']) || aptInstalls('spin')
