import { describe, expect, it } from 'vitest'
import { type Target, Timeline } from '../../machine'
import { menuFor } from '../../store/menu'
import { bootMemory } from '../../testing/memory-kernel'
import { bootPks, P } from '../../testing/pks-kernel'
import { diagrams } from '..'
import { late } from '../board/late'
import { selectBoard } from '../board/select'
import { cardText } from '../shared/cards'
import { selectPks } from './select'

const texts = (k: ReturnType<typeof bootPks>) => selectPks(k.kernel, []).map(cardText)
const AD = (keys: number[]) => keys.map((key) => `AD${key}`).join(' ')
const from = (first: number) => Array.from({ length: 16 - first }, (_, i) => first + i)

describe('the picture of protection keys', () => {
  it('shows the register of each CPU and thread, its 16 keys, and what that means for pmem', () => {
    const k = bootPks('pks-v10-2022')
    k.map('A', 'kmap_local_page')
    expect(texts(k)).toContain(
      `CPU0; runs A; PKRS 55555550; access, write disabled:; bits ${AD(from(2))}; bits none; key 1 write; cache 55555550`,
    )
    expect(texts(k)).toContain(
      `B, saved; count 0; pkrs 55555554; access, write disabled:; bits ${AD(from(1))}; bits none; key 1 no access`,
    )
  })

  it('shows the entries with their keys, the stack, the global value and the meter', () => {
    const k = bootPks('pks-rfc-2020')
    k.map('A', 'kmap')
    k.enters(0)
    const told = texts(k).join('\n')
    expect(told).toContain('direct map 0x240000; key 1; first 0x88000002 40000063; 262,144 pages')
    expect(told).toContain('direct map 0x100; key 0')
    expect(told).toContain('in irq fffffff0')
    expect(told).toContain('for all; global fffffff0')
    expect(told).toContain('PKRS writes 2; skipped 0; IPIs 0; exceptions 0')
  })

  it('shows latent corruption, and says when it was found', () => {
    const k = bootPks('v6.12')
    k.writes('B')
    expect(texts(k)).toContain('page 0x240001; latent corruption; holds 0x00 → 0xbd')
    k.kernel.unguarded.at(P).consumed = 1
    expect(texts(k)).toContain('page 0x240001; found corrupt; holds 0x00 → 0xbd')
  })

  it('marks what the last step changed', () => {
    const k = bootPks('pks-v10-2022')
    const changes = [
      {
        table: 'cpus',
        where: { kind: 'row', id: 1 } as const,
        field: 'msr_pkrs',
        before: 0x55555550,
        after: 0x55555554,
      },
    ]
    const [, , cpu] = selectPks(k.kernel, changes)
    const [bits] = cpu?.rows.flatMap((row) => (row.kind === 'bits' ? [row.bits] : [])) ?? []
    expect(bits?.filter(({ changed }) => changed).map(({ name }) => name)).toEqual(['1'])
    expect(cardText(cpu as never)).toContain('PKRS 55555550 → 55555554')
  })

  it('is on the board of such a machine, and of no other', () => {
    const lane = (k: ReturnType<typeof bootPks>['kernel']) =>
      selectBoard(k, [], [], 0, { part: late, hpa: undefined })
        .lanes.flatMap(({ cards }) => cards)
        .filter(({ target }) => target.kind === 'cpu').length
    expect(lane(bootPks('pks-v10-2022').kernel)).toBe(2)
    expect(lane(bootMemory().kernel)).toBe(0)
    expect(diagrams.map(({ name }) => name)).toContain('pks')
  })
})

describe('the menu of these cards', () => {
  const labels = (k: ReturnType<typeof bootPks>['kernel'], target: Target) =>
    menuFor(new Timeline(k), target).map(({ label, who }) => `${who}: ${label}`)

  it('has what the thread on a CPU may do, and what may happen to the CPU', () => {
    const { kernel } = bootPks('pks-v10-2022')
    const offered = labels(kernel, { kind: 'cpu', id: 2 })
    expect(offered).toContain('B: Map it for kernel code')
    expect(offered).toContain('CPU1: An interrupt comes')
    const entry = labels(kernel, { kind: 'direct_map', id: 0, key: P })
    expect(entry).toContain('A: A stray pointer writes here')
    expect(labels(bootMemory().kernel, { kind: 'page', id: 0, key: 0x12345 })).not.toContain(
      'A: A stray pointer writes here',
    )
  })
})
