import type { Question } from './check'
import type { Member } from './pool'
import type { Expanded, Mail, Received, Seat, Shard } from './shard'

/** What a worker is told first: which shard it is, and of what. */
export interface Assignment extends Seat {
  readonly kind: 'assignment'
  /** The scenario’s name. */
  readonly scenario: string
  readonly question: Question
}

/** What a shard in a worker is told to do. */
export type Order =
  | { readonly kind: 'expand'; readonly looked: readonly Int32Array[] }
  | { readonly kind: 'receive'; readonly mail: readonly (Mail | undefined)[] }

/** A worker in which a shard runs, in a browser or in Node. */
export interface Post {
  /** The memory is given away with the order. Fails where it cannot be sent. */
  send(order: Order, given: readonly ArrayBuffer[]): Promise<void>
  /** Hears what it answers, and of its breakdown. */
  hear(said: (answer: unknown) => void, failed: (error: unknown) => void): void
}

/** The shard of a worker as a member of the pool, which asks one thing at a time. */
export function memberOf({ send, hear }: Post): Member {
  const waiting = { resolve: (_said: unknown) => {}, reject: (_error: unknown) => {} }
  hear(
    (said) => waiting.resolve(said),
    (error) => waiting.reject(error),
  )
  const told = (order: Order, given: readonly ArrayBuffer[] = []) =>
    new Promise((resolve, reject) => {
      Object.assign(waiting, { resolve, reject })
      send(order, given).catch(reject)
    })
  return {
    expand: (looked) => told({ kind: 'expand', looked }) as Promise<Expanded>,
    // A row is read once, by the owner of its state.
    receive: (mail) =>
      told(
        { kind: 'receive', mail },
        mail.flatMap((each) => (each === undefined ? [] : [each.letter.rows.buffer])),
      ) as Promise<Received>,
  }
}

/** Has a shard do what it is told; the memory of what it says can be given away with it. */
export function obey(
  shard: Pick<Shard<never>, 'expand' | 'receive'>,
  order: Order,
): { readonly said: Expanded | Received; readonly given: ArrayBuffer[] } {
  const said = order.kind === 'expand' ? shard.expand(order.looked) : shard.receive(order.mail)
  return { said, given: buffersOf(said) }
}

/** The memory of all arrays of a message. */
function buffersOf(message: unknown): ArrayBuffer[] {
  if (ArrayBuffer.isView(message)) return [message.buffer as ArrayBuffer]
  if (typeof message !== 'object' || message === null) return []
  return Object.values(message).flatMap(buffersOf)
}
