import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { openScenario } from '../scenarios/open'
import { readCxl } from './cxl'
import { cxlMachineOf } from './cxl-import'

function machineOf(text: string) {
  const read = readCxl(text)
  if (!read.ok) throw new Error(read.error.sentence)
  return cxlMachineOf(read.value)
}

function kernelOf(text: string) {
  const machine = machineOf(text)
  if (!machine.ok) throw new Error(machine.error.sentence)
  const opened = openScenario(machine.value)
  if (typeof opened === 'string') throw new Error(opened)
  return { kernel: opened.timeline.kernel, warnings: machine.warnings }
}

const GIB = 2 ** 30

const card = (n: number) => `{"endpoint":"endpoint${n + 3}","host":"mem${n}","depth":3,
  "memdev":{"memdev":"mem${n}","ram_size":${GIB},"serial":${n},"host":"0000:0${n + 1}:00.0"},
  "decoders:endpoint${n + 3}":[{"decoder":"decoder${n + 3}.0"}]}`

const region = (more: object = {}) =>
  JSON.stringify({
    region: 'region0',
    resource: 0x490000000,
    size: 2 * GIB,
    type: 'ram',
    interleave_ways: 2,
    interleave_granularity: 256,
    mappings: [
      { position: 1, memdev: 'mem0', decoder: 'decoder3.0' },
      { position: 0, memdev: 'mem1', decoder: 'decoder4.0' },
    ],
    daxregion: {
      id: 0,
      devices: [{ chardev: 'dax0.0', size: 2 * GIB, mode: 'system-ram', online_memblocks: 16 }],
    },
    ...more,
  })

const server = (regions: string) => `[{"bus":"root0","provider":"ACPI.CXL",
  "ports:root0":[{"port":"port1","host":"pci0000:0c","depth":1,
    "ports:port1":[{"port":"port2","host":"0000:0c:00.0","depth":2,
      "endpoints:port2":[${card(0)},${card(1)}]}]}],
  "decoders:root0":[{"decoder":"decoder0.0","resource":${0x490000000},"size":${8 * GIB},
    "targets":[{"target":"pci0000:0c","position":0}],"regions:decoder0.0":[${regions}]}]}]`

describe('a CXL machine from its listing', () => {
  it('has the window and the host bridge of a machine without cards', () => {
    const { kernel, warnings } = kernelOf(
      readFileSync('src/formats/fixtures/qemu-q35-cxl-window.cxl-list.json', 'utf8'),
    )
    expect(kernel.cxlPorts.rows().map(({ name, kind }) => [name, kind])).toEqual([
      ['root0', 'root'],
      ['port1', 'host_bridge'],
    ])
    expect(kernel.resources.find(({ name }) => name === 'CXL Window 0')?.start).toBe(0x230000000)
    expect(warnings).toEqual([])
  })

  it('decodes its regions again, by position, and has their memory online', () => {
    const { kernel, warnings } = kernelOf(server(region()))
    const [made] = kernel.cxlRegions.rows()
    expect([made?.start, made?.size, made?.ways, made?.granularity, made?.state]).toEqual([
      0x490000000,
      2 * GIB,
      2,
      256,
      'COMMIT',
    ])
    const positions = kernel.cxlDecoders
      .rows()
      .filter(({ pos }) => pos >= 0)
      .map(({ name, pos }) => [name, pos])
    expect(positions).toEqual([
      ['decoder3.0', 1],
      ['decoder4.0', 0],
    ])
    const blocks = kernel.memoryBlocks.runs().map(({ state, length }) => [state, length])
    expect(blocks).toEqual([['online', 16]])
    expect(warnings).toEqual([])
  })

  it.each([
    [{ type: 'pmem' }, 'region0 is left out: regions of persistent memory are not simulated.'],
    [{ mappings: [] }, 'region0 is left out: the list does not say which cards it maps.'],
    [{ size: 3 * GIB }, 'region0 could not be made again where it was, at 0x490000000.'],
    [{ resource: 0x4f0000000 }, 'region0 could not be made again where it was, at 0x4f0000000.'],
  ])('says which region is not as it was: %j', (more, sentence) => {
    expect(kernelOf(server(region(more))).warnings).toEqual([sentence])
  })

  it('leaves the memory blocks of a very large region offline, and says so', () => {
    const wide = server(region({ size: 2 * 1024 * GIB }))
      .replace(`"size":${8 * GIB}`, `"size":${4096 * GIB}`)
      .replaceAll(`"ram_size":${GIB}`, `"ram_size":${1024 * GIB}`)
    const { kernel, warnings } = kernelOf(wide)
    expect(kernel.memoryBlocks.runs().map(({ state }) => state)).toEqual(['offline'])
    expect(warnings).toEqual([
      'The memory blocks of region0 are left offline: it is larger than 1 TiB.',
    ])
  })

  it.each([
    ['[{"memdev":"mem0","ram_size":268435456}]', 'The list has no bus'],
    ['[{"bus":"root0","provider":"ACPI.CXL"}]', 'no root decoder with an address'],
  ])('is refused in a sentence where it cannot be simulated: %s', (text, sentence) => {
    const machine = machineOf(text)
    expect(machine.ok ? '' : machine.error.sentence).toContain(sentence)
  })
})
