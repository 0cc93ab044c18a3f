import type { Kernel } from '../../linux/kernel'
import type { CardView, Link } from '../shared/cards'

interface Lender {
  readonly kind: 'dmirror' | 'p2pdma'
  readonly id: number
  readonly name: string
  readonly memory: string
  readonly isBound: boolean
  readonly pgmap: number
}

/** Devices whose driver hands their memory out page by page. */
const lendersOf = (k: Kernel): Lender[] => [
  ...k.dmirrors.rows().map(
    ({ id, name, type, state, pgmap }): Lender => ({
      kind: 'dmirror',
      id,
      name,
      memory: type === 'PRIVATE' ? 'no CPU can address it' : 'CPUs can address it',
      isBound: state === 'bound',
      pgmap,
    }),
  ),
  ...k.p2pdmas.rows().map(
    ({ id, name, state, pgmap }): Lender => ({
      kind: 'p2pdma',
      id,
      name,
      memory: 'a BAR, lent to others',
      isBound: state === 'present',
      pgmap,
    }),
  ),
]

export const lenders = (k: Kernel): CardView[] =>
  lendersOf(k).map(({ kind, id, name, memory, isBound }) => ({
    target: { kind, id },
    title: name,
    side: isBound ? 'bound' : 'no driver',
    tone: isBound ? 'plain' : 'gone',
    rows: [{ kind: 'text', label: 'memory', value: memory }],
  }))

/** From the pgmap to the device that made it. */
export const linkLenders = (k: Kernel): Link[] =>
  lendersOf(k).flatMap(({ kind, id, pgmap, isBound }): Link[] =>
    pgmap === 0
      ? []
      : [
          {
            from: { kind: 'pgmap', id: pgmap },
            to: { kind, id },
            tone: isBound ? 'quiet' : 'gone',
          },
        ],
  )
