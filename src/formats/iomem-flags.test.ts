import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readIomem } from './iomem'
import { walkIomem } from './iomem/write'
import { inferFlags } from './iomem-flags'

interface FlagRow {
  readonly r: string
  readonly name: string
  readonly flags: string
}

const fixture = (name: string): string =>
  readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8')

const WINDOW = 'bit 0 is a window attribute of the firmware (ACPI _CRS), which no name tells'

/** Where the machine knows more than names tell: range and name, inferred, real, and why. */
const KNOWN_DIFFERENCES = [
  ['a0000-bffff PCI Bus 0000:00', '0x200200', '0x200201', WINDOW],
  ['a0000000-afffffff PCI Bus 0000:00', '0x200200', '0x200201', WINDOW],
  ['c0000000-febfffff PCI Bus 0000:00', '0x200200', '0x200201', WINDOW],
  ['100000000-8ffffffff PCI Bus 0000:00', '0x200200', '0x200201', WINDOW],
  [
    'febff000-febfffff 0000:00:1f.2',
    '0x200',
    '0x40200',
    'SIZEALIGN, PREFETCH and MEM_64 of a BAR come from its register, not from its name',
  ],
  [
    'fed00000-fed003ff PNP0103:00',
    '0x80000200',
    '0x200',
    'an ACPI device inserts its own range unclaimed; a claim of a driver has the same kind of name',
  ],
]

function differences(): string[][] {
  const read = readIomem(fixture('qemu-q35-pmem.iomem.txt'))
  if (!read.ok) throw new Error(read.error.sentence)
  const { iomem } = JSON.parse(fixture('qemu-q35-pmem.resource-flags.json')) as { iomem: FlagRow[] }
  const nodes = [...walkIomem(read.value.nodes)]
  expect(nodes).toHaveLength(iomem.length)
  return nodes.flatMap(({ node }, i) => {
    const row = iomem[i]
    const range = `${node.start.toString(16)}-${node.end.toString(16)}`
    expect({ r: range, name: node.name }).toEqual({ r: row?.r, name: row?.name })
    const inferred = `0x${inferFlags(node).toString(16)}`
    return inferred === row?.flags ? [] : [[`${range} ${node.name}`, inferred, row?.flags ?? '']]
  })
}

test('Names tell the flags of a real machine, except where no name can', () => {
  const known = KNOWN_DIFFERENCES.map((row) => row.slice(0, 3))
  expect(differences().sort()).toEqual(known.sort())
})

const leaf = (name: string, start = 0x100000n) => ({ name, start, children: [] })

test.each([
  ['System RAM', 0x81000200],
  ['Kernel code', 0x81000200],
  ['System RAM (kmem)', 0x83000200],
  ['Reserved', 0x200],
  ['Soft Reserved', 0x200],
  ['Persistent Memory (legacy)', 0x200],
  ['PCI Bus 0000:16', 0x200200],
  ['CXL Window 0', 0x200],
  ['region0', 0x200],
  ['0000:1a:00.0', 0x200],
  ['0000:00:1f.5 0000:00:1f.5', 0x80000200],
  ['pnp 00:05', 0x200],
  ['nvme', 0x80000200],
  ['ACPI Tables', 0x80000200],
])('A leaf "%s" gets the flags that the fact sheet gives it', (name, flags) => {
  expect(inferFlags(leaf(name))).toBe(flags)
})

test('Firmware ranges below 1 MiB are claimed, and a node with children is not', () => {
  expect(inferFlags(leaf('Reserved', 0n))).toBe(0x80000200)
  expect(inferFlags({ name: 'HPET 0', start: 0xfed00000n, children: [{} as never] })).toBe(0x200)
})

test('The container of kmem RAM has its flag, without being claimed', () => {
  const read = readIomem('00000000-0fffffff : dax0.0\n  00000000-0fffffff : System RAM (kmem)')
  expect(read.ok && read.value.nodes.map(inferFlags)).toEqual([0x01000200])
})
