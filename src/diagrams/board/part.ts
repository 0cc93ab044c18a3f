import type { ComponentType } from 'react'
import type { Change } from '../../arena'
import type { Kernel } from '../../linux/kernel'
import type { Finding, Target } from '../../machine'
import type { Scene } from '../scene/scene'
import type { MarkHandlers } from '../shared/CardMark'
import type { PlacedCard } from '../shared/card-layout'
import type { CardView, Link } from '../shared/cards'

/** What the wire to a port or a card says: it decodes, it is at reset, or the link is down. */
export type WireState = 'up' | 'reset' | 'down'

/** A port, or a memory device, with what is behind it. */
export interface TopologyNode {
  readonly card: CardView
  readonly wire: WireState
  /** On the way from the CPU to the card that has the address below. */
  readonly serves: boolean
  readonly children: readonly TopologyNode[]
}

export interface Topology {
  readonly roots: readonly TopologyNode[]
  /** Which card serves one address. */
  readonly address: CardView
}

export interface Wire {
  readonly path: string
  readonly state: WireState
  readonly serves: boolean
  /** Where it is cut. */
  readonly end: readonly [x: number, y: number]
}

export interface PlacedTopology {
  readonly x: number
  readonly y: number
  readonly cards: readonly PlacedCard[]
  readonly wires: readonly Wire[]
  /** Where an address can be typed. */
  readonly field: FieldPlace
  readonly bottom: number
}

interface FieldPlace {
  readonly x: number
  readonly y: number
  readonly width: number
}

export interface TopologyProps extends MarkHandlers {
  readonly placed: PlacedTopology
  readonly light: (target: Target) => string
}

export interface FieldProps {
  readonly place: FieldPlace
  readonly onAsk: (hpa: number | undefined) => void
}

/** A lane of the board, from who to where. */
export interface Lane {
  readonly name: string
  readonly cards: readonly CardView[]
}

/** The part of the board that arrives after the page has opened: few first pictures need it. */
export interface Part {
  who(scene: Scene, changes: readonly Change[]): CardView[]
  pageTable(k: Kernel, changes: readonly Change[]): CardView[]
  owner(scene: Scene, changes: readonly Change[], findings: readonly Finding[]): CardView[]
  /** Lanes of a machine that is about something else than mappings; nothing for all others. */
  other(
    k: Kernel,
    changes: readonly Change[],
  ): { readonly lanes: readonly Lane[]; readonly links: readonly Link[] } | undefined
  links(scene: Scene): Link[]
  /** Nothing where the machine has no CXL. */
  topology(k: Kernel, changes: readonly Change[], hpa: number | undefined): Topology | undefined
  /** The topology in words. */
  text(topology: Topology): string
  place(topology: Topology, x: number, top: number, width: number): PlacedTopology
  /** The CXL address that a mark stands for. */
  addressOf(k: Kernel, target: Target | undefined): number | undefined
  readonly Diagram: ComponentType<TopologyProps>
  readonly Field: ComponentType<FieldProps>
}
