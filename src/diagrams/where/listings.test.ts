import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { readIomem } from '../../formats/iomem'
import { machineOf } from '../../formats/machine-import'
import { openScenario } from '../../scenarios/open'
import { selectBoard } from '../board/select'
import { layoutWhere } from './layout'

const folder = 'src/formats/fixtures'
const listings = readdirSync(folder).filter((name) => name.endsWith('.iomem.txt'))

it('has the five samples, and both machines', () => {
  expect(listings).toHaveLength(7)
})

it('breaks addresses that have no room on one line, and no others', () => {
  const ranges = [0x2000_8000_0000, 0x6000_0000].map((start, id) => {
    const range = { target: { kind: 'resource', id }, start, end: start + 0xfffff, depth: 0 }
    return { ...range, name: 'PCI Bus 0000:00', folded: 0, busy: true, released: false }
  })
  const { placed } = layoutWhere(ranges, 0, 0, 166)
  expect(placed.map(({ addresses }) => addresses)).toEqual([
    ['200080000000–', '2000800fffff'],
    ['60000000–600fffff'],
  ])
  const [above, below] = placed
  expect(below?.y).toBeGreaterThan((above?.y ?? 0) + 3 * 17)
})

it.each(listings)('%s is drawn, with ranges of its own', (name) => {
  const listing = readIomem(readFileSync(`${folder}/${name}`, 'utf8'))
  if (!listing.ok) throw new Error(listing.error.sentence)
  const machine = machineOf(listing.value, [])
  if (!machine.ok) throw new Error(machine.error.sentence)
  const opened = openScenario(machine.value)
  if (typeof opened === 'string') throw new Error(opened)
  const { ranges } = selectBoard(opened.timeline.kernel, [], [], 0)
  const names = new Set(opened.timeline.kernel.resources.rows().map((node) => node.name))
  const drawn = ranges.filter((range) => range.name !== '')
  expect(drawn.length).toBeGreaterThan(3)
  expect(drawn.filter((range) => !names.has(range.name))).toEqual([])
})
