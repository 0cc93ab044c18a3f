import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { proc_iomem } from '../linux/fs/proc/iomem'
import { IORESOURCE } from '../linux/include/ioport'
import { iomemInvariants } from '../linux/invariants/families/iomem'
import { release_resource } from '../linux/kernel/resource-tree'
import type { IomemSeed } from '../scenarios/pmem-machine'
import { bootIomem, type IomemKernel } from '../testing/iomem-kernel'
import { type IomemNode, readIomem } from './iomem'
import { inferFlags } from './iomem-flags'

const fixtures = new URL('fixtures/', import.meta.url)
const read = (name: string): string => readFileSync(new URL(name, fixtures), 'utf8')
const listings = readdirSync(fixtures).filter((name) => name.endsWith('.iomem.txt'))

const seedOf = (node: IomemNode): IomemSeed => ({
  name: node.name,
  start: Number(node.start),
  end: Number(node.end),
  flags: inferFlags(node),
  children: node.children.map(seedOf),
})

function boot(name: string): IomemKernel {
  const listing = readIomem(read(name))
  if (!listing.ok) throw new Error(listing.error.sentence)
  return bootIomem('v6.12', listing.value.nodes.map(seedOf))
}

describe('the engine’s own /proc/iomem', () => {
  it.each(listings)('prints %s as it was', (name) => {
    const k = boot(name)
    expect(proc_iomem(k.kernel)).toBe(read(name).replace(/\n*$/, '\n'))
    expect(iomemInvariants.map((each) => k.broken(each)).filter(Boolean)).toEqual([])
  })
})

interface FlagRow {
  readonly r: string
  readonly name: string
  readonly flags: string
}

describe('flags of a real boot', () => {
  const { iomem } = JSON.parse(read('qemu-q35-pmem.resource-flags.json')) as { iomem: FlagRow[] }
  const [start, end] = ['60000000', '8fffffff'].map((text) => Number.parseInt(text, 16)) as [
    number,
    number,
  ]

  it('are what a claim derives: namespace0.0, released and claimed again', () => {
    const k = boot('qemu-q35-pmem.iomem.txt')
    const recorded = iomem.find(({ name }) => name === 'namespace0.0')
    const node = k.kernel.resources.at(k.resource('namespace0.0'))
    expect(node.flags & IORESOURCE.busy).not.toBe(0)
    expect(release_resource(k.kernel, node)).toBe(0)
    k.kernel.resources.free(node.id)
    expect(`0x${k.claim('D', start, end, 'namespace0.0')}`).toBe(recorded?.flags)
    expect(proc_iomem(k.kernel)).toBe(read('qemu-q35-pmem.iomem.txt').replace(/\n*$/, '\n'))
  })
})
