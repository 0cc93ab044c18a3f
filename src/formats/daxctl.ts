import { readJson } from './text/json-exact'
import { bytesAt, elements, isJsonObject, textAt } from './text/json-shape'
import { failure, type Result, success } from './text/result'

/** A device as `daxctl list` prints it. */
export interface DaxctlDevice {
  readonly chardev: string
  readonly bytes: bigint
  readonly align: bigint
  /** devdax, or system-ram. */
  readonly mode: string
}

const MAX_DEVICES = 4096

/** Reads `daxctl list`, in any of its shapes. */
export function readDaxctl(text: string): Result<DaxctlDevice[]> {
  const json = readJson(text)
  if (!json.ok) return json
  const top = (Array.isArray(json.value) ? json.value : [json.value]).filter(isJsonObject)
  const groups = top.flatMap((each) => [each, ...elements(each, 'regions')])
  const devices = groups.flatMap((each) =>
    textAt(each, 'chardev') === '' ? elements(each, 'devices') : [each],
  )
  if (devices.length === 0)
    return failure('The JSON has no device with a "chardev": paste what `daxctl list` printed.')
  if (devices.length > MAX_DEVICES) return failure(`The list has more than ${MAX_DEVICES} devices.`)
  return success(
    devices.map((each) => ({
      chardev: textAt(each, 'chardev'),
      bytes: bytesAt(each, 'size') ?? 0n,
      align: bytesAt(each, 'align') ?? 0n,
      mode: textAt(each, 'mode'),
    })),
  )
}
