import { EBUSY } from '../../include/errno'
import type { Kernel } from '../../kernel'
import { saveMedia, showMedia } from './media'
import { decoderFor, decodersOf, memdevOf, portsUp } from './topology'

type Region = ReturnType<Kernel['cxlRegions']['at']>
type Decoder = ReturnType<Kernel['cxlDecoders']['at']>

/** Ways of the part of a set that one decoder distributes: how many targets are behind each port. */
export function programmed(k: Kernel, decoder: Decoder, region: Region) {
  const { start, size, granularity, ways } = region
  const isEndpoint = k.cxlPorts.at(decoder.port).kind === 'endpoint'
  const targets = k.cxlTargets.rows().filter((target) => target.decoder === decoder.id).length
  return { hpa_base: start, size, granularity, ways: isEndpoint ? ways : Math.max(1, targets) }
}

/** The order of a commit: for each target, from endpoint to host bridge. */
export const commitOrder = (k: Kernel, region: Region, targets: readonly Decoder[]): Decoder[] => [
  ...new Set(
    targets.flatMap((target) =>
      portsUp(k, memdevOf(k, target).id).flatMap(({ id }) => decoderFor(k, id, region.id) ?? []),
    ),
  ),
]

/** The order of a reset: the last target first, from host bridge to endpoint. */
export const resetOrder = (k: Kernel, region: Region, targets: readonly Decoder[]): Decoder[] => [
  ...new Set(
    [...targets].reverse().flatMap((target) =>
      portsUp(k, memdevOf(k, target).id)
        .reverse()
        .flatMap(({ id }) => decoderFor(k, id, region.id) ?? []),
    ),
  ),
]

/** cxl_decoder_commit(): base, size, targets, control; -EBUSY where the one before it is not committed. */
export function cxl_decoder_commit(k: Kernel, decoder: Decoder, region: Region): number {
  if (decoder.enabled === 1) return 0
  const port = k.cxlPorts.at(decoder.port)
  if (port.commit_end + 1 !== decoder.number) return -EBUSY
  Object.assign(decoder, programmed(k, decoder, region))
  decoder.committed = 1
  decoder.enabled = 1
  port.commit_end = decoder.number
  return 0
}

/**
 * cxl_decoder_reset(): COMMIT is cleared, base and size are 0. What is written to a card whose link is
 * down is lost. Out of order only the top is reaped, with those below that are reset already.
 */
export function cxl_decoder_reset(k: Kernel, decoder: Decoder): void {
  if (decoder.enabled === 0) return
  decoder.enabled = 0
  const port = k.cxlPorts.at(decoder.port)
  if (port.commit_end === decoder.number) {
    const below = decodersOf(k, port.id).filter(
      ({ number, enabled }) => number < decoder.number && enabled === 1,
    )
    port.commit_end = below.at(-1)?.number ?? -1
  }
  const isLost = port.kind === 'endpoint' && k.cxlMemdevs.at(port.memdev).link === 'down'
  if (!isLost)
    Object.assign(decoder, { committed: 0, hpa_base: 0, size: 0, ways: 1, granularity: 0 })
}

/** The host begins to decode: the cards’ memory shows at the addresses of the region. */
export const decodeBegins = (k: Kernel, region: Region): void => showMedia(k, region)

/** The host stops decoding: what is in memory stays on the cards. */
export const decodeEnds = (k: Kernel, region: Region): void => saveMedia(k, region)
