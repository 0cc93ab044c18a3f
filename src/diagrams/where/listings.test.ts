import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { readIomem } from '../../formats/iomem'
import { machineOf } from '../../formats/machine-import'
import { openScenario } from '../../scenarios/open'
import { selectBoard } from '../board/select'

const folder = 'src/formats/fixtures'
const listings = readdirSync(folder).filter((name) => name.endsWith('.iomem.txt'))

it('has the five samples, and both machines', () => {
  expect(listings).toHaveLength(7)
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
