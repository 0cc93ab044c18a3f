import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type CxlNode, readCxl } from './cxl'

function treeOf(text: string): readonly CxlNode[] {
  const read = readCxl(text)
  if (!read.ok) throw new Error(read.error.sentence)
  return read.value
}

/** The tree as lines of kind and name, two blanks for each level. */
const outline = (nodes: readonly CxlNode[], indent = ''): string[] =>
  nodes.flatMap((node) => [
    `${indent}${node.kind} ${node.name}`,
    ...outline(node.children, `${indent}  `),
  ])

const machine = readFileSync(
  new URL('fixtures/qemu-q35-cxl-window.cxl-list.json', import.meta.url),
  'utf8',
)

test('The topology of a real machine has its bus, port and decoders', () => {
  const tree = treeOf(machine)
  expect(outline(tree)).toEqual([
    'bus root0',
    '  port port1',
    '    decoder decoder1.0',
    '  decoder decoder0.0',
  ])
  expect(tree[0]?.facts).toMatchObject({
    provider: 'ACPI.CXL',
    nr_dports: 1,
    dports: [{ dport: 'pci0000:0c', alias: 'ACPI0016:00', id: 12n }],
  })
  expect(tree[0]?.children[1]?.facts).toMatchObject({
    resource: 0x230000000n,
    size: 4294967296,
    pmem_capable: true,
    targets: [{ target: 'pci0000:0c', position: 0 }],
  })
})

const full = `[{"bus":"root0","provider":"ACPI.CXL",
  "endpoints:root0":{"endpoint":"endpoint2","host":"mem0","depth":1,
    "memdev":{"memdev":"mem0","ram_size":"256.00 MiB (268.44 MB)","serial":"0xfffffffffffffffe"},
    "decoders:endpoint2":[{"decoder":"decoder2.0","dpa_resource":18446744069414584320,"region":"region0"}]},
  "decoders:root0":[{"decoder":"decoder0.0","resource":"0x1080000000","size":4294967296,
    "regions:decoder0.0":[{"region":"region0","resource":70866960384,"size":268435456,
      "mappings":[{"position":0,"memdev":"mem0","decoder":"decoder2.0"}],
      "daxregion":{"id":0,"size":268435456,"devices":[{"chardev":"dax0.0","size":268435456}]}}]}]}]`

const OUTLINE = [
  'bus root0',
  '  endpoint endpoint2',
  '    memdev mem0',
  '    decoder decoder2.0',
  '  decoder decoder0.0',
  '    region region0',
  '      daxregion region0',
  '        daxdevice dax0.0',
]

test.each([
  ['an array', full],
  ['a group in an array', `[{"buses":${full}}]`],
  ['a group with one unwrapped bus', `{"buses":${full.slice(1, -1)}}`],
  ['one unwrapped object', full.slice(1, -1)],
])('A topology is read from %s', (_, text) => {
  expect(outline(treeOf(text))).toEqual(OUTLINE)
})

test('Several groups of one list are read side by side', () => {
  const tree = treeOf(
    '[{"memdevs":[{"memdev":"mem0"},{"memdev":"mem1"}]},{"regions":[{"region":"region0"}]}]',
  )
  expect(outline(tree)).toEqual(['memdev mem0', 'memdev mem1', 'region region0'])
})

test('Serial numbers and addresses are exact to 64 bits', () => {
  const [memdev, decoder] = treeOf(full)[0]?.children[0]?.children ?? []
  expect(memdev?.facts).toMatchObject({ serial: 0xfffffffffffffffen, ram_size: 268435456 })
  expect(decoder?.facts).toMatchObject({ dpa_resource: 0xffffffff00000000n })
})

test('An empty list is read, and says what to run', () => {
  const read = readCxl('[]')
  expect(read.ok && read.warnings).toEqual([expect.stringContaining('cxl list -vv')])
})

test('A list of another tool is refused', () => {
  const read = readCxl('[{"dev":"namespace0.0"}]')
  expect(read.ok ? '' : read.error.sentence).toContain('is nothing that `cxl list` prints')
})

test('A bad value in a list inside a device is refused with its place', () => {
  const read = readCxl('[{"decoder":"decoder0.0","targets":[{"target":"a"},{"target":7}]}]')
  expect(read.ok ? '' : read.error.sentence).toBe(
    '"[0].targets[1].target" must be text without control characters.',
  )
})
