export { aligned, pairs, type Row } from './align'
export {
  type Always,
  type Finding,
  type Invariant,
  invariantsOf,
  type Sometimes,
  type Window,
} from './invariant'
export {
  type FrameInfo,
  frameStruct,
  frameWords,
  Machine,
  taskFields,
  type Waiting,
} from './machine'
export {
  type AnyKernel,
  type Callable,
  type Frame,
  type Holder,
  type Operation,
  type Outcome,
  operationsOf,
  type Start,
  type Step,
  type Target,
  type Wait,
  type WaitState,
} from './operation'
export {
  choosePolicies,
  judgePolicies,
  type Policy,
  type PolicyValue,
  type PolicyValues,
  policy,
} from './policy'
export { type Begun, type Call, nextCall, type Program } from './program'
export { citation, type Evidence, type Source } from './source'
export {
  type Branch,
  type Choice,
  type Flag,
  MAX_CHOICES,
  type Moment,
  type Standing,
  type Steppable,
  sharedBy,
  Timeline,
} from './timeline'
export { isBookkeeping, type TraceLine, traceLineNow } from './trace'
export { type Did, isDid, playBoth, type Side } from './two-sides'
export { at, both, deadlock, deadlockFrom, type Ending, ending, waitEdges } from './waits'
