import type { TopologyProps, Wire } from '../board/part'
import { CardMark } from '../shared/CardMark'
import { targetKey } from '../shared/cards'

/** The ports and cards of CXL with the wires between them. */
export function CxlDiagram({ placed, light, ...handlers }: TopologyProps) {
  return (
    <g className="topology">
      <text className="lane" x={placed.x} y={placed.y + 12}>
        CXL TOPOLOGY
      </text>
      {placed.wires.map((wire) => (
        <WireMark key={wire.path} wire={wire} />
      ))}
      {placed.cards.map((card) => (
        <CardMark key={targetKey(card.card.target)} placed={card} light={light} {...handlers} />
      ))}
    </g>
  )
}

/** A cross where the link is down. */
function WireMark({ wire: { path, state, serves, end } }: { wire: Wire }) {
  const [x, y] = end
  return (
    <g>
      <path className={`wire ${state} ${serves ? 'serves' : ''}`} d={path} />
      {state === 'down' && (
        <path className="cut" d={`M${x - 5},${y - 5}l10,10m0,-10l-10,10`}>
          <title>the link is down</title>
        </path>
      )}
    </g>
  )
}
