import { searchRates } from './bench-searches'

// The whole of a worker: it measures, and says what.
postMessage(searchRates())
