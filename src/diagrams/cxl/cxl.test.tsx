import { cleanup, fireEvent, render, screen, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  pciehp_configure_device,
  pciehp_unconfigure_device,
  pullCable,
} from '../../linux/drivers/cxl/hotplug'
import { delete_region, device_release_region } from '../../linux/drivers/cxl/region'
import type { Kernel } from '../../linux/kernel'
import { seedPageAt } from '../../scenarios/cxl-machine'
import { bootCxl, type CxlKernel } from '../../testing/cxl-kernel'
import { Board } from '../board/Board'
import { chainOf } from '../board/chain'
import { late } from '../board/late'
import { layoutBoard } from '../board/layout'
import { selectBoard } from '../board/select'
import { cardText, targetKey } from '../shared/cards'
import { readAddress } from './AddressField'
import { servedAt } from './address'
import { selectTopology } from './select'
import { topologyText } from './text'

afterEach(cleanup)

const HPA = 0x480003010

function booted(): CxlKernel {
  const k = bootCxl()
  seedPageAt(k.kernel, 'A', { pfn: 0x480500, value: 0x53 })
  return k
}

const viewOf = (kernel: Kernel, hpa?: number) => selectBoard(kernel, [], [], 0, { part: late, hpa })
const text = (kernel: Kernel, hpa?: number): string => {
  const topology = selectTopology(kernel, [], hpa)
  return topology === undefined ? 'none' : topologyText(topology)
}

describe('an address of a CXL window', () => {
  it('lands on the card and at the device address that §6.1 of the DAX sheet reckons', () => {
    const { kernel } = booted()
    expect(servedAt(kernel, HPA)).toMatchObject({ chunk: 3, pos: 1, name: 'mem1', dpa: 0x1010 })
    expect(text(kernel, HPA)).toContain(
      'HPA 0x480003010; chunk 3, of 4 KiB; position 1 = chunk mod 2; device mem1, DPA 0x1010; a load gets data',
    )
  })

  it('gets all-ones while the link is down, and an error once nothing decodes it', () => {
    const k = booted()
    k.task('pciehp').begins(pullCable, { memdev: 2 }).finishes()
    expect(text(k.kernel, HPA)).toContain('a load gets all-ones: the link is down')
    expect(text(k.kernel, 0x480000000)).toContain('a load gets data')
    k.task('pciehp').begins(pciehp_unconfigure_device, { memdev: 2 }).finishes()
    expect(text(k.kernel, HPA)).toContain('device none is attached; a load gets an error')
  })

  it('is said to belong to no region where there is none', () => {
    expect(text(booted().kernel, 0x600000000)).toContain('Which card serves it?; no region')
  })

  it('is read in hex, and nothing else is read', () => {
    expect(readAddress(' 0x480003010 ')).toBe(HPA)
    expect(readAddress('4800_03010')).toBe(HPA)
    for (const bad of ['', 'x', '0x', '12g', '-1', 'ffffffffffffffff', '<b>'])
      expect(readAddress(bad), bad).toBeUndefined()
  })
})

describe('the topology', () => {
  it('is drawn from the root to the cards, each decoder committed or reset', () => {
    const said = text(booted().kernel)
    expect(said).toContain('root0; CXL root; decoder0.0, 8 GiB at 0x480000000')
    expect(said).toContain(
      'port1; host bridge; decoder1.0, committed, region0, decoder1.1, reset (decodes)',
    )
    expect(said).toContain('decoder4.0, committed, pos 1')
  })

  it('shows a pulled card, an empty slot and another card, in words', () => {
    const k = booted()
    const pciehp = k.task('pciehp')
    const card = () => text(k.kernel).match(/mem0;[^(]*\([^)]*\)/)?.[0]
    expect(card()).toContain('link up; card gen 1')
    pciehp.begins(pullCable, { memdev: 1 }).finishes()
    expect(card()).toMatch(/^mem0; 256 MiB; ✕ pulled out; link down.*\(link down\)$/)
    pciehp.begins(pciehp_unconfigure_device, { memdev: 1 }).finishes()
    expect(card()).toContain('✕ slot is empty')
    pciehp.begins(pciehp_configure_device, { memdev: 1, page: 0, value: 0x7e }).finishes()
    expect(card()).toContain('⇄ another card; link up; card gen 2')
  })

  it('shows a decoder that was not reset because its card was gone', () => {
    const k = booted()
    const pciehp = k.task('pciehp')
    pciehp.begins(pullCable, { memdev: 1 }).finishes()
    pciehp.begins(pciehp_unconfigure_device, { memdev: 1 }).runTo('detach')
    expect(text(k.kernel)).toContain('decoder3.0, not reset, pos 0')
    expect(text(k.kernel)).toContain('decoder1.0, reset, region0')
  })

  it('is not there where the machine has no CXL', () => {
    const { kernel } = bootCxl({ machine: { region: 'none', sizes: { cxlPorts: 5 } } })
    for (const { id } of kernel.cxlPorts.rows()) kernel.cxlPorts.free(id)
    expect(viewOf(kernel)).not.toHaveProperty('topology')
  })
})

describe('regions and DAX devices', () => {
  const owner = (kernel: Kernel) => viewOf(kernel).lanes.at(3)?.cards.map(cardText).join('\n') ?? ''

  it('say their state, targets and drivers', () => {
    const k = booted()
    expect(owner(k.kernel)).toContain(
      'region0; 512 MiB; state COMMIT; ways 2 of 4 KiB; targets mem0 mem1; driver cxl_region',
    )
    expect(owner(k.kernel)).toContain('dax0.0; kmem; device alive; in dax_region0; align 2 MiB')
  })

  it('go with their region', () => {
    const k = booted()
    const shell = k.task('root shell')
    shell.begins(device_release_region, { region: 1 }).finishes()
    shell.begins(delete_region, { region: 1 }).finishes()
    expect(owner(k.kernel)).not.toMatch(/region0|dax0\.0/)
  })
})

describe('the chain of a mark', () => {
  it('leads from the entry to the one card that has the page', () => {
    const chain = chainOf({ kind: 'page', id: 0, key: 0x480500 }, viewOf(booted().kernel).links)
    expect(chain.has('cxl_memdev:1:')).toBe(true)
    expect(chain.has('cxl_memdev:2:')).toBe(false)
    expect(chain.has(`memory_block:0:144`)).toBe(true)
  })

  it('leads from a region to all of its cards', () => {
    const chain = chainOf({ kind: 'cxl_region', id: 1 }, viewOf(booted().kernel).links)
    expect([chain.has('cxl_memdev:1:'), chain.has('cxl_memdev:2:')]).toEqual([true, true])
  })
})

describe('the geometry of the topology', () => {
  it.each([1440, 1024, 390])('keeps its cards apart and inside at a width of %i', (width) => {
    const { topology } = layoutBoard(viewOf(booted().kernel), width, late)
    const cards = topology?.cards ?? []
    expect(cards).toHaveLength(6)
    for (const { x, width: wide } of cards) expect(x + wide).toBeLessThanOrEqual(width)
    for (const a of cards)
      for (const b of cards) {
        const isApart =
          a === b ||
          a.x + a.width <= b.x ||
          b.x + b.width <= a.x ||
          a.y + a.height <= b.y ||
          b.y + b.height <= a.y
        expect(isApart, `${a.card.title} and ${b.card.title}`).toBe(true)
      }
  })

  it('leads thick wires to the card that serves the address, and cuts the wire to one that is gone', () => {
    const k = booted()
    k.task('pciehp').begins(pullCable, { memdev: 1 }).finishes()
    const { topology } = layoutBoard(viewOf(k.kernel, HPA), 1440, late)
    const wires = topology?.wires.map(({ state, serves }) => `${state}${serves ? ' serves' : ''}`)
    expect(wires?.sort()).toEqual(['down', 'up serves', 'up serves', 'up serves'])
  })

  it('draws the ribbon of a page to its card', () => {
    const { ribbons } = layoutBoard(viewOf(booted().kernel), 1440, late)
    const ends = ribbons.map(({ link }) => targetKey(link.to))
    expect(ends).toContain('cxl_memdev:1:')
    expect(ends).toContain('memory_block:0:144')
  })
})

describe('the topology on the page', () => {
  const show = async (kernel: Kernel) => {
    const onPick = vi.fn()
    const onHover = vi.fn()
    const drawn = render(
      <Board
        kernel={kernel}
        changes={[]}
        findings={[]}
        version={0}
        hovered={undefined}
        selected={undefined}
        focus={0}
        onHover={onHover}
        onPick={onPick}
      />,
    )
    await screen.findByText('CXL TOPOLOGY')
    return { ...drawn, onPick, onHover }
  }

  it('lets a card be picked by mouse and by keyboard', async () => {
    const { onPick } = await show(booted().kernel)
    await userEvent.click(screen.getByRole('button', { name: /^mem0; 256 MiB; link up/ }))
    expect(onPick.mock.lastCall?.[0]).toEqual({ kind: 'cxl_memdev', id: 1 })
    screen.getByRole('button', { name: 'decoder4.0, committed, pos 1' }).focus()
    await userEvent.keyboard('{Enter}')
    expect(onPick.mock.lastCall?.[0]).toMatchObject({ kind: 'cxl_decoder' })
  })

  it('answers which card has an address that is typed, or picked from the stripes', async () => {
    const { onPick, container } = await show(booted().kernel)
    const field = screen.getByLabelText('Host physical address, in hex')
    fireEvent.change(field, { target: { value: '0x480003010' } })
    expect(container.textContent).toContain('mem1, DPA 0x1010')
    fireEvent.change(field, { target: { value: 'nonsense' } })
    expect(field.getAttribute('aria-invalid')).toBe('true')
    await userEvent.click(screen.getByRole('button', { name: /^HPA 0x480002000: chunk 2/ }))
    expect(container.textContent).toContain('mem0, DPA 0x1000')
    expect(onPick).not.toHaveBeenCalled()
  })

  it('has a twin in words', async () => {
    const { container } = await show(booted().kernel)
    const twin = within(container.querySelector('figcaption') as HTMLElement)
    expect(twin.getByText(/^CXL: root0; CXL root; decoder0\.0/)).toBeTruthy()
  })
})
