import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { proc_iomem } from '../linux/fs/proc/iomem'
import { openScenario } from '../scenarios/open'
import { readIomem } from './iomem'
import { machineOf } from './machine-import'
import { readNdctl } from './ndctl'

const fixture = (name: string): string => readFileSync(`src/formats/fixtures/${name}`, 'utf8')

function open(text: string) {
  const listing = readIomem(text)
  if (!listing.ok) throw new Error(listing.error.sentence)
  const machine = machineOf(listing.value, [])
  if (!machine.ok) throw new Error(machine.error.sentence)
  const opened = openScenario(machine.value)
  if (typeof opened === 'string') throw new Error(opened)
  return { kernel: opened.timeline.kernel, warnings: machine.warnings }
}

describe('a machine from its listing', () => {
  it.each(['qemu-q35-pmem', 'qemu-q35-cxl-window', 'sample-c', 'sample-b', 'sample-d'])(
    '%s prints the /proc/iomem that it was made from, the driver’s claims included',
    (name) => {
      const text = fixture(`${name}.iomem.txt`)
      expect(proc_iomem(open(text).kernel)).toBe(text)
    },
  )

  it('binds the driver of every namespace that was claimed', () => {
    const { kernel } = open(fixture('sample-c.iomem.txt'))
    const bound = kernel.namespaces
      .rows()
      .map(({ name, driver, blockdev }) => [name, driver, blockdev])
    expect(bound).toEqual([
      ['namespace0.0', 'nd_pmem', 'pmem0'],
      ['namespace1.0', 'nd_pmem', 'pmem1'],
    ])
  })

  it('says where ndctl and the listing do not go together', () => {
    const listing = readIomem(fixture('sample-d.iomem.txt'))
    const regions = readNdctl(fixture('qemu-q35-pmem.ndctl-list.json'))
    if (!listing.ok || !regions.ok) throw new Error('fixtures do not read')
    const machine = machineOf(listing.value, regions.value.regions)
    expect(machine.ok && machine.warnings.join(' ')).toContain(
      'namespace0.0 of ndctl list has no range',
    )
  })

  it.each([
    ['00000000-00000000 : Reserved', 'read /proc/iomem as root'],
    ['10000000000000-10000000000fff : x', 'above 52 bits'],
  ])('is refused in a sentence where it cannot be simulated: %s', (text, sentence) => {
    const listing = readIomem(text)
    const machine = listing.ok && machineOf(listing.value, [])
    expect(machine !== false && !machine.ok && machine.error.sentence).toContain(sentence)
  })

  it('opens without an exception, whatever ranges and namespaces somebody makes up', () => {
    const size = fc.integer({ min: 1, max: 1 << 22 })
    const name = fc.constantFrom(
      'Persistent Memory',
      'System RAM',
      'namespace0.0',
      'namespace1.0',
      'x',
      'PCI Bus 0000:00',
    )
    const node = fc.record({ gap: fc.nat(1 << 20), size, name, inner: fc.option(name) })
    fc.assert(
      fc.property(fc.array(node, { minLength: 1, maxLength: 12 }), (nodes) => {
        let at = 0x1000
        const hex = (address: number) => address.toString(16).padStart(8, '0')
        const text = nodes
          .map((each) => {
            const start = at + each.gap
            at = start + each.size
            const line = `${hex(start)}-${hex(at - 1)} : ${each.name}\n`
            return each.inner === null
              ? line
              : `${line}  ${hex(start)}-${hex(at - 1)} : ${each.inner}\n`
          })
          .join('')
        expect(open(text).kernel.resources.rows().length).toBeGreaterThan(0)
      }),
      { numRuns: 200 },
    )
  })
})
