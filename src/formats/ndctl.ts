import { type Json, readJson } from './text/json-exact'
import { bytesAt, elements, isJsonObject, type JsonObject, textAt } from './text/json-shape'
import { failure, type Result, success } from './text/result'

/** A namespace as `ndctl list -N` prints it. */
export interface NdctlNamespace {
  readonly dev: string
  /** fsdax, devdax, raw or sector. */
  readonly mode: string
  /** Where the struct pages are: mem, or dev. */
  readonly map: string
  readonly bytes: bigint
  readonly blockdev: string
}

/** A region as `ndctl list -R` prints it. */
export interface NdctlRegion {
  readonly dev: string
  readonly type: string
  readonly bytes: bigint
  readonly namespaces: readonly NdctlNamespace[]
}

const MAX_ELEMENTS = 4096

/** Reads `ndctl list`, in any of its shapes. */
export function readNdctl(text: string): Result<NdctlRegion[]> {
  const json = readJson(text)
  if (!json.ok) return json
  const groups = objectsOf(json.value).flatMap((each) => [each, ...elements(each, 'buses')])
  const regions = groups.flatMap((each) => (isRegion(each) ? [each] : elements(each, 'regions')))
  const loose = groups.flatMap((each) => {
    if (isRegion(each)) return []
    return isNamespace(each) ? [each] : elements(each, 'namespaces')
  })
  const count = regions.length + loose.length
  if (count === 0)
    return failure(
      'The JSON has no regions and no namespaces: paste what `ndctl list -RN` printed.',
    )
  if (count > MAX_ELEMENTS)
    return failure(`The list has more than ${MAX_ELEMENTS} regions and namespaces.`)
  const rest = { dev: '', type: 'pmem', bytes: 0n, namespaces: loose.map(namespaceOf) }
  const found = regions.map(regionOf)
  return success(loose.length === 0 ? found : [...found, rest])
}

const objectsOf = (value: Json): JsonObject[] =>
  (Array.isArray(value) ? value : [value]).filter(isJsonObject)

const isRegion = (object: JsonObject): boolean => textAt(object, 'dev').startsWith('region')
const isNamespace = (object: JsonObject): boolean => textAt(object, 'dev').startsWith('namespace')

const regionOf = (object: JsonObject): NdctlRegion => ({
  dev: textAt(object, 'dev'),
  type: textAt(object, 'type'),
  bytes: bytesAt(object, 'size') ?? 0n,
  namespaces: elements(object, 'namespaces').map(namespaceOf),
})

const namespaceOf = (object: JsonObject): NdctlNamespace => ({
  dev: textAt(object, 'dev'),
  mode: textAt(object, 'mode'),
  map: textAt(object, 'map'),
  bytes: bytesAt(object, 'size') ?? 0n,
  blockdev: textAt(object, 'blockdev'),
})
