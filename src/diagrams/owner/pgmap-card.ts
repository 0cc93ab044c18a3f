import type { Change } from '../../arena'
import type { Kernel } from '../../linux/kernel'
import type { CardView, Row, Tone } from '../shared/cards'
import { was, wasInRow } from '../shared/changed'
import { size } from '../shared/format'

type Pgmap = ReturnType<Kernel['pgmaps']['at']>

const STATES = ['live', 'dying', 'dead', 'exited'] as const
const stateTone: Record<(typeof STATES)[number], Tone> = {
  live: 'owned',
  dying: 'pinned',
  dead: 'broken',
  exited: 'broken',
}

/** A dev_pagemap with its percpu_ref: how it counts, how far it is gone, and what is left of it. */
export function pgmapCard(pgmap: Pgmap, changes: readonly Change[]): CardView {
  const { id, type, state, mode, ref, vmemmap_shift } = pgmap
  const count = (value: number) => value.toLocaleString('en')
  return {
    target: { kind: 'pgmap', id },
    title: 'dev_pagemap',
    side: type,
    tone: state === 'live' || state === 'dying' ? 'plain' : 'broken',
    rows: [
      {
        kind: 'pills',
        label: 'percpu_ref',
        pills: [
          { text: 'percpu', on: mode === 'percpu', tone: 'owned' },
          { text: 'atomic', on: mode === 'atomic', tone: 'pinned' },
        ],
      },
      {
        kind: 'pills',
        label: '',
        pills: STATES.map((text) => ({ text, on: text === state, tone: stateTone[text] })),
      },
      {
        kind: 'text',
        label: 'count',
        value: count(ref),
        ...was(wasInRow(changes, 'pgmaps', id, 'ref'), count),
      },
      ...graceRow(pgmap),
      doneRow(pgmap),
      ...(vmemmap_shift === 0
        ? []
        : [
            {
              kind: 'text',
              label: 'vmemmap_shift',
              value: `${vmemmap_shift}, ${size(4096 * 2 ** vmemmap_shift)}`,
            } as const,
          ]),
    ],
  }
}

/** Between the kill and the switch no put tests for zero. */
const graceRow = ({ state, mode }: Pgmap): Row[] =>
  state === 'dying' && mode === 'percpu'
    ? [{ kind: 'text', value: 'atomic after an RCU grace period' }]
    : []

/** The completion that the release callback fires when the count is 0. */
const doneRow = ({ state }: Pgmap): Row => {
  const isDone = state === 'dead' || state === 'exited'
  return {
    kind: 'text',
    label: 'done',
    value: isDone ? 'completed' : 'not yet',
    tone: isDone ? 'plain' : 'quiet',
  }
}
