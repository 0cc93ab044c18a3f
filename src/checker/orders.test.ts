import { describe, expect, it } from 'vitest'
import { memberOf } from './orders'

describe('a shard in a worker', () => {
  it('fails, and does not keep silent, where an order cannot be sent to it', async () => {
    const member = memberOf({
      send: () => Promise.reject(new Error('out of memory')),
      hear: () => {},
    })
    await expect(member.expand([])).rejects.toThrow('out of memory')
  })
})
