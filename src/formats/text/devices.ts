import type { JsonObject, JsonValue } from './json-exact'
import { type Facts, isObject, type Placed, placeOf, type Shape, type Spec, text } from './shape'

/** A kind of device that a tool lists. */
export interface DeviceKind {
  /** Its name, if the object is one of this kind. */
  readonly name: (object: JsonObject) => JsonValue | undefined
  readonly facts: Spec
}

type Kinds = Readonly<Record<string, DeviceKind>>

interface DeviceOf<K extends Kinds, N extends keyof K> {
  readonly kind: N
  readonly name: string
  readonly facts: Facts<K[N] extends DeviceKind ? K[N]['facts'] : Spec>
  /** What was listed inside it, in the order of the text. */
  readonly children: Device<K>[]
}

/** A device of one of the kinds of a tool, with the devices inside it. */
export type Device<K extends Kinds> = { [N in keyof K]: DeviceOf<K, N> }[keyof K]

/** What a tool lists: the first kind that fits an object is its kind. */
export interface Tool<K extends Kinds> {
  readonly command: string
  readonly kinds: K
  /** Keys below which devices are listed; "endpoints" also stands for "endpoints:port1". */
  readonly groups: ReadonlySet<string>
}

/**
 * The devices of a document in all shapes of the ndctl tools: arrays, groups
 * (`[{ "buses": […] }]`), single objects that -u unwrapped, and groups inside devices.
 * The recursion is bounded by the depth of the JSON.
 */
export function readDevices<K extends Kinds>(
  shape: Shape,
  tool: Tool<K>,
  value: JsonValue,
  path = '',
): Device<K>[] {
  return shape.objects(value, path).flatMap((placed) => {
    const device = readDevice(shape, tool, placed)
    if (device !== undefined) return [device]
    if (!isGroup(tool, placed.object))
      shape.fail(placed.path, `is nothing that \`${tool.command}\` prints; paste its whole output`)
    return readGroups(shape, tool, placed)
  })
}

function readDevice<K extends Kinds>(
  shape: Shape,
  tool: Tool<K>,
  placed: Placed,
): Device<K> | undefined {
  for (const [kind, { name, facts }] of Object.entries(tool.kinds)) {
    const named = name(placed.object)
    if (named === undefined) continue
    const printable = text(named, shape, placed.path)
    if (typeof printable !== 'string') shape.fail(placed.path, 'must have a printable name')
    const children = readGroups(shape, tool, placed)
    return { kind, name: String(named), facts: shape.facts(placed, facts), children } as Device<K>
  }
  return undefined
}

const baseOf = (key: string): string => key.split(':', 1)[0] ?? key

const isGroup = <K extends Kinds>({ groups }: Tool<K>, object: JsonObject): boolean =>
  Object.keys(object).some((key) => groups.has(baseOf(key)))

function readGroups<K extends Kinds>(
  shape: Shape,
  tool: Tool<K>,
  { object, path }: Placed,
): Device<K>[] {
  return Object.entries(object).flatMap(([key, value]) => {
    const isList = Array.isArray(value) || isObject(value)
    if (!tool.groups.has(baseOf(key)) || !isList) return []
    return readDevices(shape, tool, value, placeOf(path, key))
  })
}

/** The value of a key if it is text that fits the pattern: how a tool names a device. */
export const namedBy =
  (key: string, pattern = /./) =>
  (object: JsonObject): JsonValue | undefined => {
    const name = object[key]
    return typeof name === 'string' && pattern.test(name) ? name : undefined
  }
