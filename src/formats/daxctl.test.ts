import { expect, test } from 'vitest'
import { readDaxctl } from './daxctl'

function listingOf(text: string) {
  const read = readDaxctl(text)
  if (!read.ok) throw new Error(read.error.sentence)
  return { ...read.value, warnings: read.warnings }
}

const device =
  '{"chardev":"dax0.0","size":2147483648,"target_node":1,"align":2097152,"mode":"system-ram","online_memblocks":16,"total_memblocks":16,"movable":true}'

test.each([
  ['an array', `[${device}]`],
  ['one unwrapped object', device],
  ['a group', `{"devices":[${device}]}`],
  [
    'a region',
    `[{"path":"/platform/hmem.0/dax_region","id":0,"size":2147483648,"devices":[${device}]}]`,
  ],
  ['a region without a path', `{"id":0,"devices":${device}}`],
])('Devices are read from %s', (_, text) => {
  const { devices, warnings } = listingOf(text)
  expect(warnings).toEqual([])
  expect(devices).toEqual([
    {
      chardev: 'dax0.0',
      size: 2147483648,
      target_node: 1,
      align: 2097152,
      mode: 'system-ram',
      online_memblocks: 16,
      total_memblocks: 16,
      movable: true,
    },
  ])
})

test('Regions keep their devices, and mappings their addresses', () => {
  const { regions } = listingOf(`[{"path":"/p/dax_region","id":1,"size":4096,"devices":[
    {"chardev":"dax1.0","mappings":[{"page_offset":0,"start":18446744069414584320,"end":"0xffffffff00000fff","size":4096}]}]}]`)
  expect(regions).toMatchObject([
    { path: '/p/dax_region', id: 1, devices: [{ chardev: 'dax1.0' }] },
  ])
  expect(regions[0]?.devices[0]?.mappings).toEqual([
    { page_offset: 0n, start: 0xffffffff00000000n, end: 0xffffffff00000fffn, size: 4096 },
  ])
})

test('An empty list is read, and says what to run', () => {
  expect(listingOf('[\n]\n').warnings).toEqual([expect.stringContaining('daxctl list -RD')])
})

test('A value of the wrong kind is refused with its place', () => {
  const read = readDaxctl('[{"chardev":"dax0.0","movable":"yes"}]')
  expect(read.ok ? '' : read.error.sentence).toBe('"[0].movable" must be true or false.')
})

test('A region with 200,000 devices is read', () => {
  const devices = Array(200_000).fill('{"chardev":"dax0.0"}').join()
  expect(listingOf(`[{"id":0,"devices":[${devices}]}]`).devices).toHaveLength(200_000)
})
