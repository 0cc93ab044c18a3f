import type { Kernel } from '../../kernel'
import { claims, decodeHpa } from './decode'
import { decoderFor, decodersOf, memdevOf, portsUp, rootDecoders, targetsOf } from './topology'

type Decoder = ReturnType<Kernel['cxlDecoders']['at']>

/** How a load of a page fares: it is no CXL memory, or a card answers, or nobody does. */
export type Answer = 'none' | 'data' | 'all_ones' | 'decode_error'

const PAGE = 4096

/** The host bridge decoder that claims an address, if its hardware decodes. */
function bridgeDecoder(k: Kernel, hpa: number): Decoder | undefined {
  const bridges = k.cxlPorts.rows().filter(({ kind }) => kind === 'host_bridge')
  return bridges
    .flatMap(({ id }) => decodersOf(k, id))
    .find((decoder) => decoder.committed === 1 && claims(decoder, hpa))
}

/** Every decoder between host bridge and card, the endpoint’s first. */
export const pathOf = (k: Kernel, endpoint: Decoder): Decoder[] =>
  portsUp(k, memdevOf(k, endpoint).id).flatMap(({ id }) => decoderFor(k, id, endpoint.region) ?? [])

/** True if the hardware decodes an address all the way to this endpoint decoder. */
export const isPathCommitted = (k: Kernel, endpoint: Decoder): boolean => {
  const path = pathOf(k, endpoint)
  const ports = portsUp(k, memdevOf(k, endpoint).id)
  return path.length === ports.length && path.every(({ committed }) => committed === 1)
}

/** Which target of the set has an address: the arithmetic of the region as a whole. */
function positionAt(k: Kernel, { hpa_base, size, region }: Decoder, hpa: number): number {
  const { ways, granularity } = k.cxlRegions.at(region)
  return decodeHpa({ hpa_base, size, ways, granularity }, hpa).pos
}

/** What the fabric answers to a load of a page, by its first byte. */
export const answerOf = (k: Kernel, pfn: number): Answer => answerAt(k, pfn * PAGE)

/**
 * What the fabric answers to a load of an address. A link that is down gives all-ones; an address that
 * no decoder claims gives an error (both platform dependent, from memory).
 */
export function answerAt(k: Kernel, hpa: number): Answer {
  if (k.cxlDecoders.capacity === 0) return 'none'
  if (!rootDecoders(k).some((root) => claims(root, hpa))) return 'none'
  const bridge = bridgeDecoder(k, hpa)
  if (bridge === undefined) return 'decode_error'
  const target = targetsOf(k, bridge.region).find(({ pos }) => pos === positionAt(k, bridge, hpa))
  if (target === undefined) return 'decode_error'
  if (memdevOf(k, target).link === 'down') return 'all_ones'
  return isPathCommitted(k, target) ? 'data' : 'decode_error'
}

/** True if loads and stores of a page reach memory. */
export const isReachable = (k: Kernel, pfn: number): boolean => {
  const answer = answerOf(k, pfn)
  return answer === 'none' || answer === 'data'
}
