import { memberOf, obey } from '../checker/orders'
import type { Member } from '../checker/pool'
import type { Shard } from '../checker/shard'

/** A shard in this thread. What is said to it, and what it says, is copied, as on its way between threads. */
export function memberHere(shard: Pick<Shard<never>, 'expand' | 'receive'>): Member {
  let answer = (_said: unknown) => {}
  return memberOf({
    async send(order) {
      const { said } = obey(shard, structuredClone(order))
      await undefined
      answer(structuredClone(said))
    },
    hear(said) {
      answer = said
    },
  })
}
