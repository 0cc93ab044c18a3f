import { render, screen } from '@testing-library/react'
import { describe, expect, it, vi } from 'vitest'
import { vmsplice_to_pipe } from '../../linux/fs/splice'
import type { Kernel } from '../../linux/kernel'
import { kernel_clone } from '../../linux/kernel/fork'
import { pin_user_pages_fast } from '../../linux/mm/gup'
import { mapAnonymous } from '../../linux/mm/mmap'
import { userLoad, userStore } from '../../linux/mm/user-access'
import { shrink_folio_list } from '../../linux/mm/vmscan'
import { openScenario } from '../../scenarios/open'
import { rdmaAndFork } from '../../scenarios/rdma-and-fork'
import { bootMemory, bootUntouched, P, Q } from '../../testing/memory-kernel'
import { listed } from '../scene/names'
import type { CardView, Row } from '../shared/cards'
import { cardText, targetKey } from '../shared/cards'
import { Board } from './Board'
import { layoutBoard } from './layout'
import { selectBoard } from './select'

/** The end of scenario B under a kernel. */
function ended(preset: string): Kernel {
  const opened = openScenario(rdmaAndFork, { preset })
  if (typeof opened === 'string') throw new Error(opened)
  opened.timeline.seek(opened.timeline.length)
  return opened.timeline.kernel
}

const viewOf = (k: Kernel) => selectBoard(k, [], [], 0)
const cardsOf = (k: Kernel): CardView[] => viewOf(k).lanes.flatMap(({ cards }) => cards)

function cardAt(k: Kernel, key: string): CardView {
  const card = cardsOf(k).find(({ target }) => targetKey(target) === key)
  if (card === undefined) throw new Error(`no card ${key}`)
  return card
}
const pageCard = (k: Kernel, pfn: number) => cardAt(k, `page:0:${pfn}`)
const byteIn = ({ rows }: CardView): number | undefined =>
  rows.flatMap((row: Row) =>
    row.kind === 'byte' || row.kind === 'mark' ? [row.byte?.value] : [],
  )[0]

const LONGTERM = { pages: 1, write: 1, longterm: 1, force: 0 }

describe('RDMA and fork on the board', () => {
  it('shows process and device on two pages where fork shared a pinned page (5.1)', () => {
    const k = ended('v5.1')
    expect(pageCard(k, P).above).toBe('child and mlx5_0')
    expect(pageCard(k, Q).above).toBe('app alone')
    expect(cardAt(k, 'pin:1:').tone).toBe('broken')
    expect(cardText(cardAt(k, 'pin:1:'))).toContain('app is on 0x12346')
  })

  it.each(['v5.9', 'v6.12'])('shows them on one page in %s', (preset) => {
    const k = ended(preset)
    expect(pageCard(k, P).above).toBe('app and mlx5_0')
    expect(pageCard(k, Q).above).toBe('child alone')
    expect(cardText(cardAt(k, 'pin:1:'))).toContain('app is on this page')
  })

  it('draws the same byte at the page, at who maps it, and at the device', () => {
    const k = ended('v5.1')
    const bytes = ['mm:1:', 'mm:2:', 'pin:1:'].map((key) => byteIn(cardAt(k, key)))
    expect(bytes).toEqual([0x22, 0xd1, 0xd1])
    expect([byteIn(pageCard(k, P)), byteIn(pageCard(k, Q))]).toEqual([0xd1, 0x22])
  })

  it('lets the ribbon of the device part from that of the process, and pass between cards', () => {
    const { ribbons, lanes } = layoutBoard(viewOf(ended('v5.1')), 1440)
    const endOf = (from: string) =>
      ribbons.find(({ link }) => targetKey(link.from) === from)?.link.to.key
    expect([endOf('pin:1:'), endOf(`pte:1:${0x7fa097000}`)]).toEqual([P, Q])
    const level = /L[\d.]+,([\d.]+)/.exec(
      ribbons.find(({ link }) => link.from.kind === 'pin')?.path ?? '',
    )
    const y = Number(level?.[1])
    for (const { y: top, height } of lanes[1]?.cards ?? [])
      expect(y < top || y > top + height).toBe(true)
  })

  it('names only what the kernel of the time has', () => {
    const old = cardText(pageCard(ended('v5.1'), P))
    expect(old).toContain('folio_maybe_dma_pinned not before 5.7')
    expect(old).not.toContain('anon_exclusive')
    expect(cardText(cardAt(ended('v5.1'), 'mm:1:'))).not.toContain('MMF_HAS_PINNED')
    expect(cardText(cardAt(ended('v6.12'), 'mm:1:'))).toContain('MMF_HAS_PINNED set')
  })

  it('is drawn with a name for every mark', () => {
    const nothing = vi.fn()
    const { container } = render(
      <Board
        kernel={ended('v5.1')}
        changes={[]}
        findings={[]}
        version={0}
        hovered={undefined}
        selected={undefined}
        focus={0}
        onHover={nothing}
        onPick={nothing}
      />,
    )
    expect(
      screen.getByRole('button', { name: /^mlx5_0; FOLL_PIN, 1 page; the device sees/ }),
    ).toBeTruthy()
    expect(container.querySelectorAll('.pin')).toHaveLength(1)
    expect(container.querySelectorAll('.byte').length).toBeGreaterThanOrEqual(5)
  })
})

describe('a page of ordinary memory', () => {
  it('is counted in one word, and by labels', () => {
    const k = bootMemory()
    k.task('parent')
      .begins(pin_user_pages_fast, { start: k.vpn, ...LONGTERM })
      .finishes()
    const text = cardText(pageCard(k.kernel, P))
    expect(text).toContain('_refcount 1025')
    expect(text).toContain('both, 64 bits 0x00000401 00000000')
    expect(text).toContain(
      'who uses it: 1 ptes (_mapcount +1, _refcount +1), 1 DMA writers (_refcount +1024), 1 of them long-term (not told apart)',
    )
  })

  it('says where the kernel’s guess at a pin is wrong', () => {
    const { kernel } = bootMemory()
    kernel.pages.at(P).refcount = 1030
    expect(cardText(pageCard(kernel, P))).toContain('folio_maybe_dma_pinned yes, falsely')
  })

  it('is one card where it is large, with the counters of a folio', () => {
    const k = bootUntouched({ machine: { normal: { start: 0x12200, pages: 2048 } } })
    const parent = k.task('parent')
    parent.begins(mapAnonymous, { pages: 512, huge: 1, label: 'H' }).finishes()
    const start = k.kernel.vmas.find(({ label }) => label === 'H')?.vm_start ?? 0
    parent.begins(userStore, { vpn: start, value: 0x42 }).finishes()
    parent.begins(pin_user_pages_fast, { start, ...LONGTERM, pages: 2 }).finishes()
    const pages = cardsOf(k.kernel).filter(({ target }) => target.kind === 'page')
    expect(pages.map(({ title, side }) => [title, side])).toEqual([
      ['0x12200…0x123ff', 'anonymous, order 9'],
    ])
    expect(cardText(pages[0] as CardView)).toContain(
      '_pincount 2; _entire_mapcount 0  (1 PMD); _large_mapcount 0  (1 entry); _nr_pages_mapped 0 + ENTIRELY_MAPPED',
    )
  })

  it('says who holds it for a moment, and who has the locks', () => {
    const k = bootMemory()
    k.task('parent').begins(kernel_clone, { name: 'child' })
    for (let i = 0; i < 5; i++) k.task('parent').step()
    expect(cardText(pageCard(k.kernel, P))).toContain('for a moment a fault, fork or lookup')
    expect(cardText(cardAt(k.kernel, 'mm:1:'))).toContain('mmap_lock held by parent')
    expect(cardText(cardAt(k.kernel, `pte:1:${k.vpn}`))).toContain('page table lock held by parent')
  })

  it('is the zero page only while somebody maps it', () => {
    const k = bootUntouched()
    const zero = k.kernel.globals.zero_pfn
    const isThere = () => cardsOf(k.kernel).some(({ target }) => target.key === zero)
    expect(isThere()).toBe(false)
    k.task('parent').begins(userLoad, { vpn: k.vpn, value: 0 }).finishes()
    expect(isThere()).toBe(true)
    expect(pageCard(k.kernel, zero).side).toBe('the zero page')
  })

  it('is counted, not drawn, while it is free', () => {
    const free = cardsOf(bootUntouched().kernel).filter(({ target }) => target.kind === 'zone')
    expect(free.map(({ title, side }) => [title, side])).toEqual([['24 pages free', 'ZONE_NORMAL']])
  })
})

describe('what a property names', () => {
  it('says so in its words, and is drawn as broken', () => {
    const { kernel } = bootMemory()
    const finding = { table: 'pages', id: 0, key: P, says: 'the page is wrong' }
    const { lanes } = selectBoard(kernel, [], [finding], 0)
    const card = lanes[2]?.cards.find(({ target }) => target.key === P)
    expect([card?.tone, card?.rows[0]]).toEqual([
      'broken',
      { kind: 'text', value: 'the page is wrong', tone: 'broken' },
    ])
  })
})

describe('what is not a present entry', () => {
  it('is a swap entry with its slot, its value, and a ribbon to the slot', () => {
    const k = bootMemory()
    k.task('parent').begins(kernel_clone, { name: 'child' }).finishes()
    k.task('kswapd0').begins(shrink_folio_list, { pfn: P }).finishes()
    const entry = cardAt(k.kernel, `pte:1:${k.vpn}`)
    expect([entry.side, entry.above]).toEqual([
      'swap entry',
      'va 0x7fa097000000 = 255 › 130 › 184 › 0',
    ])
    expect(cardText(entry)).toContain('swap slot 1; value 0x07ffffff fffffc02')
    expect(cardText(cardAt(k.kernel, 'swap_slot:0:1'))).toContain('swap_map 2 entries')
    const ends = viewOf(k.kernel).links.filter(({ to }) => to.kind === 'swap_slot')
    expect(ends).toHaveLength(2)
  })

  it('stands below the same address of the other process', () => {
    const k = bootMemory()
    k.task('parent').begins(kernel_clone, { name: 'child' }).finishes()
    const entries = cardsOf(k.kernel).filter(({ target }) => target.kind === 'pte')
    expect(entries.map(({ title, above }) => [title, above])).toEqual([
      ['PTE 0 of parent', 'va 0x7fa097000000 = 255 › 130 › 184 › 0'],
      ['PTE 0 of child', undefined],
    ])
  })
})

describe('a pipe', () => {
  it('shows what a reader would get, and holds the page', () => {
    const k = bootMemory({ preset: 'v5.9' })
    k.task('parent').begins(vmsplice_to_pipe, { vpn: k.vpn, pages: 1, pipe: 1 }).finishes()
    expect(cardText(cardAt(k.kernel, 'pipe:1:'))).toBe('pipe p; 1 buffer; 0x12345, FOLL_GET 0x50')
    expect(pageCard(k.kernel, P).above).toBe('parent and pipe p')
  })
})

describe('many processes', () => {
  it('leave a card to the one that has a page of its own', () => {
    const k = bootMemory({ machine: { sizes: { tasks: 30, mms: 20, vmas: 40 } } })
    for (let i = 0; i < 10; i++)
      k.task('parent')
        .begins(kernel_clone, { name: `c${i}` })
        .finishes()
    k.task('c9').begins(userStore, { vpn: k.vpn, value: 0x60 }).finishes()
    const names = viewOf(k.kernel).lanes[0]?.cards.map(({ title }) => title)
    expect(names?.slice(0, 5)).toEqual(['parent', 'c0', 'c1', 'c9', 'and 7 more processes'])
    expect(pageCard(k.kernel, Q).above).toBe('c9 alone')
  })

  it('of one name are counted under it', () => {
    expect(listed(['parent', 'sleeper', 'sleeper', 'child'])).toBe('parent, 2 × sleeper and child')
    expect(listed(['a', 'b', 'c', 'd', 'd'])).toBe('a, b, c and 2 more')
  })

  it('are four cards and a number, in lanes that stay short', () => {
    const k = bootMemory({ machine: { sizes: { tasks: 220, mms: 210, vmas: 220 } } })
    for (let i = 0; i < 200; i++)
      k.task('parent')
        .begins(kernel_clone, { name: `c${i}` })
        .finishes()
    const { lanes, links } = viewOf(k.kernel)
    for (const { cards } of lanes) expect(cards.length).toBeLessThanOrEqual(12)
    expect(lanes[0]?.cards.map(cardText)).toContain(
      'and 197 more processes; all of them map 0x12345',
    )
    expect(pageCard(k.kernel, P).above).toBe('parent, c0, c1 and 198 more')
    expect(links.filter(({ to }) => to.kind === 'page')).toHaveLength(5)
  })
})
