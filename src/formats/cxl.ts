import { type Json, readJson } from './text/json-exact'
import { bytesAt, isJsonObject, type JsonObject, textAt } from './text/json-shape'
import { failure, type Result, success } from './text/result'

/** The key that names a thing is the thing's kind as well. */
const KINDS = ['bus', 'port', 'decoder', 'endpoint', 'memdev', 'region'] as const

/** A thing of a CXL topology, with what hangs below it. */
export interface CxlNode {
  readonly kind: (typeof KINDS)[number]
  readonly name: string
  /** Host physical address where it decodes, if it says so. */
  readonly resource?: bigint
  readonly bytes?: bigint
  readonly ways?: bigint
  readonly state: string
  readonly children: readonly CxlNode[]
}

const MAX_NODES = 20_000

/** Reads `cxl list`, in any of its shapes: grouped or not, with keys that carry the parent's name. */
export function readCxl(text: string): Result<CxlNode[]> {
  const json = readJson(text)
  if (!json.ok) return json
  const budget = { left: MAX_NODES }
  const nodes = nodesIn(json.value, budget)
  if (budget.left <= 0) return failure(`The topology has more than ${MAX_NODES} parts.`)
  return nodes.length === 0
    ? failure(
        'The JSON has no bus, port, decoder, memdev or region: paste what `cxl list -vv` printed.',
      )
    : success(nodes)
}

/** The things in a value, whatever lists and groups are around them; the reader bounds the depth. */
function nodesIn(value: Json, budget: { left: number }): CxlNode[] {
  if (budget.left <= 0) return []
  if (Array.isArray(value)) return value.flatMap((each) => nodesIn(each, budget))
  if (!isJsonObject(value)) return []
  const kind = kindOf(value)
  if (kind !== undefined) budget.left -= 1
  const children = Object.values(value).flatMap((each) => nodesIn(each, budget))
  return kind === undefined ? children : [nodeOf(value, kind, children)]
}

/** A decoder names its region, and a mapping its memdev: the thing's own name is the first key. */
function kindOf(object: JsonObject): CxlNode['kind'] | undefined {
  const [first = ''] = Object.keys(object)
  return KINDS.find((kind) => kind === first && textAt(object, kind) !== '')
}

function nodeOf(object: JsonObject, kind: CxlNode['kind'], children: readonly CxlNode[]): CxlNode {
  const resource = bytesAt(object, 'resource')
  const bytes =
    bytesAt(object, 'size') ?? bytesAt(object, 'ram_size') ?? bytesAt(object, 'pmem_size')
  const ways = bytesAt(object, 'interleave_ways')
  return {
    kind,
    name: textAt(object, kind),
    ...(resource === undefined ? {} : { resource }),
    ...(bytes === undefined ? {} : { bytes }),
    ...(ways === undefined ? {} : { ways }),
    state: textAt(object, 'state') || textAt(object, 'decode_state'),
    children,
  }
}
