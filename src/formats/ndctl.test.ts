import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readNdctl } from './ndctl'

function listingOf(text: string) {
  const read = readNdctl(text)
  if (!read.ok) throw new Error(read.error.sentence)
  return { ...read.value, warnings: read.warnings }
}

const machine = readFileSync(
  new URL('fixtures/qemu-q35-pmem.ndctl-list.json', import.meta.url),
  'utf8',
)

test('The listing of a real machine has its region, with its namespace', () => {
  const { regions, namespaces, warnings } = listingOf(machine)
  expect({ namespaces, warnings }).toEqual({ namespaces: [], warnings: [] })
  expect(regions).toMatchObject([
    {
      dev: 'region0',
      size: 805306368,
      align: 16777216,
      available_size: 0,
      type: 'pmem',
      persistence_domain: 'unknown',
      namespaces: [
        {
          dev: 'namespace0.0',
          mode: 'fsdax',
          map: 'mem',
          size: 805306368,
          sector_size: 512,
          blockdev: 'pmem0',
          numa_node: 0,
        },
      ],
    },
  ])
})

test('A quoted listing is the same', () => {
  expect(listingOf(machine.replace(/^/gm, '> '))).toEqual(listingOf(machine))
})

const namespace = '{"dev":"namespace1.0","mode":"devdax","map":"dev","size":1073741824}'

test.each([
  ['an array', `[${namespace}]`],
  ['one unwrapped object', namespace],
  ['a group', `{"namespaces":[${namespace}]}`],
  ['a group of one unwrapped object', `{"namespaces":${namespace}}`],
  ['a group with the name of its parent', `{"namespaces:region1":[${namespace}]}`],
])('Namespaces are read from %s', (_, text) => {
  expect(listingOf(text).namespaces).toEqual([
    { dev: 'namespace1.0', mode: 'devdax', map: 'dev', size: 1073741824 },
  ])
})

test('Buses are opened, and DIMMs and DAX regions are kept', () => {
  const { regions, dimms } = listingOf(`{"buses":[{"provider":"ACPI.NFIT","dev":"ndbus0",
    "dimms":[{"dev":"nmem0","id":"8680-56341200","handle":"0x1","phys_id":0}],
    "regions":[{"dev":"region1","iset_id":"0xfffffffffffffffe","namespaces":[{"dev":"namespace1.0",
      "daxregion":{"id":1,"size":1073741824,"align":2097152,
        "devices":[{"chardev":"dax1.0","size":1073741824}]}}]}]}]}`)
  expect(dimms).toEqual([{ dev: 'nmem0', id: '8680-56341200', handle: 1n, phys_id: 0n }])
  expect(regions[0]).toMatchObject({ iset_id: 0xfffffffffffffffen })
  expect(regions[0]?.namespaces[0]?.daxregion?.devices).toEqual([
    { chardev: 'dax1.0', size: 1073741824 },
  ])
})

test('Sizes for people are read as bytes, with a warning that they are rounded', () => {
  const { namespaces, warnings } = listingOf(
    '{"dev":"namespace0.0","size":"256.00 MiB (268.44 MB)","align":"2.00 GiB (2.15 GB)"}',
  )
  expect(namespaces).toEqual([{ dev: 'namespace0.0', size: 268435456, align: 2147483648 }])
  expect(warnings).toEqual([expect.stringContaining('without -u')])
})

test('An empty list is read, and says what to run', () => {
  expect(listingOf('[]').warnings).toEqual([expect.stringContaining('as root')])
})

test.each([
  ['[3]', '"[0]" must be an object'],
  ['{"a":1}', '"the document" is nothing that `ndctl list` prints'],
  ['{"dev":"namespace0.0","size":"big"}', '"size" must be a size in bytes'],
  ['{"dev":"namespace0.0","size":-1}', '"size" must be a size in bytes'],
  ['{"dev":"namespace0.0","mode":"a\\u001b"}', '"mode" must be text without control characters'],
  ['{"dev":"namespace0\\u202e"}', 'must have a printable name'],
  [
    '{"regions":[{"dev":"region0","namespaces":[{"dev":"x"}]}]}',
    '"regions[0].namespaces[0]" is nothing',
  ],
])('%s is refused with the place in it', (text, says) => {
  const read = readNdctl(text)
  expect(read.ok ? 'was read' : read.error.sentence).toContain(says)
})
