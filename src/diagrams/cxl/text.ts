import type { Topology, TopologyNode } from '../board/part'
import { cardText } from '../shared/cards'

const WIRES = { up: 'decodes', reset: 'at reset', down: 'link down' } as const

/** Ports and cards from the root down, each with what is behind it, and the address at the end. */
export const topologyText = ({ roots, address }: Topology): string =>
  [...roots.map(nodeText), cardText(address)].join('. ')

const nodeText = ({ card, wire, children }: TopologyNode): string =>
  [`${cardText(card)} (${WIRES[wire]})`, ...children.map(nodeText)].join('. ')
