import type { PlacedTopology, Topology, TopologyNode, Wire } from '../board/part'
import { type PlacedCard, placeCard } from '../shared/card-layout'

const TITLE = 26
/** Between a port and what is behind it, in pixels: room for the wires. */
const DROP = 24
const GAP = 8
/** What a card needs, in pixels. */
const LEAST = 124
const FIELD = 30

interface Placing {
  readonly cards: PlacedCard[]
  readonly wires: Wire[]
}

/** Ports below each other, the cards of a port beside each other, and below them the address. */
export function placeTopology(
  { roots, address }: Topology,
  x: number,
  top: number,
  width: number,
): PlacedTopology {
  const placing: Placing = { cards: [], wires: [] }
  let y = top + TITLE
  for (const root of roots) y = placeNode(placing, root, x, y, width).bottom + GAP
  const field = { x, y: y + GAP, width }
  const card = placeCard(address, x, field.y + FIELD + GAP, width)
  return {
    x,
    y: top,
    cards: [...placing.cards, card],
    wires: placing.wires,
    field,
    bottom: card.y + card.height + 2 * GAP,
  }
}

interface Placed {
  readonly card: PlacedCard
  readonly bottom: number
}

function placeNode(
  placing: Placing,
  { card, children }: TopologyNode,
  x: number,
  y: number,
  width: number,
): Placed {
  const placed = placeCard(card, x, y, width)
  placing.cards.push(placed)
  const under = placed.y + placed.height
  if (children.length === 0) return { card: placed, bottom: under }
  const columns = Math.min(children.length, Math.max(1, Math.floor((width + GAP) / (LEAST + GAP))))
  const childWidth = (width + GAP) / columns - GAP
  let rowTop = under + DROP
  let bottom = rowTop
  children.forEach((child, i) => {
    if (i > 0 && i % columns === 0) rowTop = bottom + DROP
    const childX = x + (i % columns) * (childWidth + GAP)
    const below = placeNode(placing, child, childX, rowTop, childWidth)
    placing.wires.push(wireBetween(placed, below.card, child))
    bottom = Math.max(bottom, below.bottom)
  })
  return { card: placed, bottom }
}

/** Down, across, and down again; a card of a further row is reached beside those above it. */
function wireBetween(from: PlacedCard, to: PlacedCard, { wire, serves }: TopologyNode): Wire {
  const start = from.x + from.width / 2
  const under = from.y + from.height
  const across = under + DROP / 2
  const isNext = to.y <= under + DROP
  const end = isNext ? to.x + to.width / 2 : to.x - GAP / 2
  const tail = isNext ? `V${to.y}` : `V${to.y + GAP}H${to.x}`
  return {
    path: `M${start},${under}V${across}H${end}${tail}`,
    state: wire,
    serves,
    end: [end, isNext ? (across + to.y) / 2 : to.y],
  }
}
