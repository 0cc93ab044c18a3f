import type { Kernel } from '../../kernel'

type Port = ReturnType<Kernel['cxlPorts']['at']>
type Decoder = ReturnType<Kernel['cxlDecoders']['at']>
type Memdev = ReturnType<Kernel['cxlMemdevs']['at']>

/** The decoders of a port, by number. */
export const decodersOf = (k: Kernel, port: number): Decoder[] =>
  k.cxlDecoders
    .rows()
    .filter((decoder) => decoder.port === port)
    .sort((a, b) => a.number - b.number)

/** From the endpoint of a device up to its host bridge: the way that a commit takes. */
export function portsUp(k: Kernel, memdev: number): Port[] {
  const ports: Port[] = []
  for (let id = k.cxlMemdevs.at(memdev).endpoint; id !== 0; id = k.cxlPorts.at(id).parent) {
    const port = k.cxlPorts.at(id)
    if (port.kind === 'root') break
    ports.push(port)
  }
  return ports
}

/** The decoder of a port that works for a region. */
export const decoderFor = (k: Kernel, port: number, region: number): Decoder | undefined =>
  decodersOf(k, port).find((decoder) => decoder.region === region)

/** targets[] of a region: its endpoint decoders, by position. */
export const targetsOf = (k: Kernel, region: number): Decoder[] =>
  k.cxlDecoders
    .rows()
    .filter((decoder) => decoder.region === region && decoder.pos >= 0)
    .sort((a, b) => a.pos - b.pos)

export const memdevOf = (k: Kernel, decoder: Decoder): Memdev =>
  k.cxlMemdevs.at(k.cxlPorts.at(decoder.port).memdev)

export const rootDecoders = (k: Kernel): Decoder[] =>
  k.cxlDecoders.rows().filter(({ port }) => k.cxlPorts.at(port).kind === 'root')
