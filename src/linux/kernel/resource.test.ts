import { describe, expect, it } from 'vitest'
import { bootTest } from '../../testing/test-kernel'
import { proc_iomem } from '../fs/proc/iomem'
import { IORESOURCE } from '../include/ioport'
import { __release_region, __request_region } from './resource'
import { IOMEM_RESOURCE, insertResource } from './resource-tree'

const boot = () => {
  const k = bootTest()
  const { kernel } = k
  const insert = (name: string, start: number, end: number, flags: number = IORESOURCE.mem) =>
    insertResource(
      kernel,
      kernel.resources.at(IOMEM_RESOURCE),
      kernel.resources.make({ name, start, end, flags }),
    )
  const request = (start: number, end: number, name = 'driver', flags = 0) =>
    k
      .task('shell')
      .begins(__request_region, { parent: IOMEM_RESOURCE, start, end, name, flags })
      .finishes()
  const lines = () => proc_iomem(kernel).split('\n')
  return { k, kernel, insert, request, lines }
}

describe('insert_resource()', () => {
  it('descends into what strictly contains the node', () => {
    const { insert, lines } = boot()
    expect(insert('bar', 0xc1000000, 0xc1000fff)).toBe(true)
    expect(lines()).toContain('  c1000000-c1000fff : bar')
  })

  it('takes over the run of siblings that it contains', () => {
    const { insert, lines } = boot()
    insert('one', 0xc1000000, 0xc1000fff)
    insert('two', 0xc1002000, 0xc1002fff)
    expect(insert('both', 0xc1000000, 0xc100ffff)).toBe(true)
    const at = lines().indexOf('  c1000000-c100ffff : both')
    expect(lines().slice(at + 1, at + 3)).toEqual([
      '    c1000000-c1000fff : one',
      '    c1002000-c1002fff : two',
    ])
  })

  it('refuses a partial overlap with -EBUSY', () => {
    const { insert } = boot()
    insert('one', 0xc1000000, 0xc1000fff)
    expect(insert('across', 0xc1000800, 0xc1001fff)).toBe(false)
  })
})

describe('__request_region()', () => {
  it('descends through what is not BUSY, marks its node BUSY, and inherits the type', () => {
    const { kernel, insert, request, lines } = boot()
    insert('0000:01:00.0', 0xc1000000, 0xc100ffff)
    const id = request(0xc1000000, 0xc100ffff)
    expect(lines()).toContain('    c1000000-c100ffff : driver')
    expect(kernel.resources.at(id).flags >>> 0).toBe(0x80000200)
  })

  it('adds EXCLUSIVE where the driver asks for it', () => {
    const { kernel, insert, request } = boot()
    insert('bar', 0xc1000000, 0xc100ffff)
    const id = request(0xc1000000, 0xc100ffff, 'driver', IORESOURCE.exclusive)
    expect(kernel.resources.at(id).flags >>> 0).toBe(0x88000200)
  })

  it('gives NULL where a BUSY node is in the way, and leaves no node behind', () => {
    const { kernel, insert, request } = boot()
    insert('bar', 0xc1000000, 0xc100ffff)
    request(0xc1000000, 0xc100ffff)
    const before = kernel.resources.rows().length
    expect(request(0xc1008000, 0xc100ffff)).toBe(0)
    expect(kernel.resources.rows()).toHaveLength(before)
  })

  it('gives NULL for a range that is only partly inside a node', () => {
    const { insert, request } = boot()
    insert('bar', 0xc1000000, 0xc100ffff)
    expect(request(0xc1008000, 0xc101ffff)).toBe(0)
  })

  it('lets the second of two claimants spin on the lock, and then fail', () => {
    const { k, insert } = boot()
    insert('bar', 0xc1000000, 0xc100ffff)
    const args = {
      parent: IOMEM_RESOURCE,
      start: 0xc1000000,
      end: 0xc100ffff,
      name: 'driver',
      flags: 0,
    }
    const first = k.task('shell').begins(__request_region, args).runTo('try')
    const second = k.task('shell 2').begins(__request_region, args).runs()
    expect(second.reason).toBe('spins on resource_lock, which shell holds')
    expect(first.finishes()).toBeGreaterThan(0)
    expect(second.finishes()).toBe(0)
  })
})

describe('__release_region()', () => {
  it('takes the BUSY node of exactly the range out', () => {
    const { k, insert, request, lines } = boot()
    insert('bar', 0xc1000000, 0xc100ffff)
    request(0xc1000000, 0xc100ffff)
    k.task('shell').begins(__release_region, { start: 0xc1000000, end: 0xc100ffff }).finishes()
    expect(lines()).not.toContain('    c1000000-c100ffff : driver')
    expect(lines()).toContain('  c1000000-c100ffff : bar')
  })

  it('logs a range that nobody has claimed', () => {
    const { k, kernel } = boot()
    k.task('shell').begins(__release_region, { start: 0xc2000000, end: 0xc2000fff }).finishes()
    expect(kernel.log.rows().at(-1)?.line).toBe(
      'Trying to free nonexistent resource <c2000000-c2000fff>',
    )
  })
})
