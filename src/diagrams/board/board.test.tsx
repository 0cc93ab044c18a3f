import { render, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { describe, expect, it, vi } from 'vitest'
import type { Kernel } from '../../linux/kernel'
import { scenarios } from '../../scenarios'
import { halfABar } from '../../scenarios/half-a-bar'
import { openScenario } from '../../scenarios/open'
import { theDriverIsGone } from '../../scenarios/the-driver-is-gone'
import { twoMinds } from '../../scenarios/two-minds'
import { diagrams } from '..'
import { indicesOf } from '../page-table/indices'
import { stackCards, wrap } from '../shared/card-layout'
import { cardText, targetKey } from '../shared/cards'
import { addressRange, pageRange, size } from '../shared/format'
import { Board } from './Board'
import { chainOf } from './chain'
import { layoutBoard } from './layout'
import { selectBoard } from './select'

function at(moment: number): Kernel {
  const opened = openScenario(theDriverIsGone)
  if (typeof opened === 'string') throw new Error(opened)
  opened.timeline.seek(moment)
  return opened.timeline.kernel
}
const view = (moment: number) => selectBoard(at(moment), [], [], 0)
const texts = (moment: number) => view(moment).lanes.flatMap(({ cards }) => cards.map(cardText))

describe('the board’s view of I/O memory', () => {
  it('has no struct page, and says what comes of an access once the entry is gone', () => {
    const opened = openScenario(halfABar)
    if (typeof opened === 'string') throw new Error(opened)
    const shown = (moment: number) => {
      opened.timeline.seek(moment)
      const { lanes } = selectBoard(opened.timeline.kernel, [], [], 0)
      return lanes.flatMap(({ cards }) => cards.map(cardText)).join('\n')
    }
    const [mapped, claimed] = opened.passages.map(({ to }) => to)
    expect(shown(mapped ?? 0)).toContain('0xfe900…0xfe903; 4 pages; I/O memory: no struct page')
    expect(shown(claimed ?? 0)).toContain('0xfe902…0xfe903; 2 pages; I/O memory: no struct page')
    const bound = openScenario(twoMinds)
    if (typeof bound === 'string') throw new Error(bound)
    bound.timeline.seek(bound.passages[1]?.to ?? 0)
    const { lanes } = selectBoard(bound.timeline.kernel, [], [], 0)
    const cards = lanes.flatMap((lane) => lane.cards.map(cardText))
    expect(cards.join('\n')).toContain('No entry, and no .fault: the next access gets SIGBUS.')
  })
})

describe('the board’s view of the heap', () => {
  it('shows areas without entries as none, before the first fault', () => {
    expect(texts(0)).toContain(
      'PGD 255 › PUD 130 › PMD 184; none; area A; No entry: the next access faults.',
    )
  })

  it('shows a PMD and a PTE with their bits and pages, after both faults', () => {
    expect(texts(44)).toContain(
      'PGD 255 › PUD 130; PMD 184; leaf, 2 MiB; bits P RW US A D PS SD DEV NX; pfn 0x60400…0x605ff',
    )
    expect(texts(44)).toContain(
      'PGD 255 › PUD 130 › PMD 188; PTE 1; leaf, 4 KiB; bits P RW US A D S SD DEV NX; pfn 0x60801',
    )
  })

  it('shows entries without struct pages as broken, after the unbind', () => {
    const cards = view(81).lanes.flatMap((lane) => lane.cards)
    const entries = cards.filter(({ target }) => target.kind === 'pte')
    expect(entries.map(({ tone }) => tone)).toEqual(['broken', 'broken'])
    expect(
      cards.filter(({ target, tone }) => target.kind === 'page' && tone === 'gone'),
    ).toHaveLength(2)
    expect(view(81).ranges.find(({ released }) => released)?.name).toBe('namespace0.0')
  })

  it('lights the whole chain of a mark, from the area to the range, and nothing beside it', () => {
    const { links } = view(44)
    const chain = chainOf({ kind: 'vma', id: 2 }, links)
    const kinds = [...chain].map((key) => key.split(':')[0])
    expect(new Set(kinds)).toEqual(new Set(['vma', 'pte', 'page', 'pgmap', 'inode', 'resource']))
    expect(chain.has(targetKey({ kind: 'vma', id: 1 }))).toBe(false)
  })
})

describe('every diagram of the list', () => {
  it.each(scenarios.map((scenario) => [scenario.name, scenario] as const))(
    'draws every moment of %s',
    (_, scenario) => {
      const opened = openScenario(scenario)
      if (typeof opened === 'string') throw new Error(opened)
      const { timeline } = opened
      for (let moment = 0; moment <= timeline.length; moment++) {
        timeline.seek(moment)
        for (const { select, name } of diagrams)
          expect(
            select({
              kernel: timeline.kernel,
              changes: timeline.changes(),
              findings: [],
              focus: 0,
            }),
            name,
          ).toBeDefined()
      }
    },
  )
})

describe('the board’s geometry', () => {
  it('puts five lanes side by side, with no card over another', () => {
    const { lanes, where, width } = layoutBoard(view(44), 1400)
    expect(lanes.map(({ x }) => Math.round(x))).toEqual([16, 311, 629, 968])
    expect(where.ranges.every((range) => range.x + range.width <= width)).toBe(true)
    for (const { cards } of lanes)
      cards.forEach((card, i) => {
        const next = cards[i + 1]
        if (next !== undefined) expect(card.y + card.height).toBeLessThan(next.y)
      })
  })

  it('stacks the lanes where there is no room, without ribbons', () => {
    const { lanes, ribbons, height } = layoutBoard(view(44), 390)
    expect(new Set(lanes.map(({ x }) => x)).size).toBe(1)
    expect(ribbons).toHaveLength(0)
    expect(height).toBeGreaterThan(900)
  })

  it('draws a ribbon for every link whose ends are on the board', () => {
    expect(layoutBoard(view(44), 1400).ribbons.length).toBeGreaterThanOrEqual(8)
  })

  it('wraps words, and cuts what is longer than a line', () => {
    expect(wrap('one two three', 7)).toEqual(['one two', 'three'])
    expect(wrap('abcdefghij', 5)).toEqual(['abcd…'])
  })

  it('makes a card as high as its rows', () => {
    const { placed, bottom } = stackCards(
      [
        {
          target: { kind: 'mm', id: 1 },
          title: 't',
          side: '',
          tone: 'plain',
          rows: [{ kind: 'text', value: 'x' }],
        },
      ],
      0,
      10,
      200,
    )
    expect(placed[0]).toMatchObject({ y: 10, height: 55 })
    expect(bottom).toBe(79)
  })
})

describe('numbers on the board', () => {
  it('read as the field writes them', () => {
    expect([size(4096), size(8 << 20), size(2 ** 44), size(1536)]).toEqual([
      '4 KiB',
      '8 MiB',
      '16 TiB',
      '1.5 KiB',
    ])
    expect([pageRange(0x60400, 1), pageRange(0x60400, 512)]).toEqual(['0x60400', '0x60400…0x605ff'])
    expect(addressRange(0x1000, 0x9fbff)).toBe('00001000–0009fbff')
    expect(indicesOf(0x7fa097801)).toEqual({ pgd: 255, pud: 130, pmd: 188, pte: 1 })
  })
})

describe('the board on the page', () => {
  it('lets every mark be picked by mouse and by keyboard, and names it', async () => {
    const onPick = vi.fn()
    render(
      <Board
        kernel={at(44)}
        changes={[]}
        findings={[]}
        version={0}
        hovered={undefined}
        selected={undefined}
        focus={0}
        onHover={() => undefined}
        onPick={onPick}
      />,
    )
    await userEvent.click(screen.getByRole('button', { name: /^A: 8 MiB MAP_SHARED/ }))
    expect(onPick.mock.lastCall?.[0]).toEqual({ kind: 'vma', id: 1 })
    screen.getByRole('button', { name: /PTE 1; leaf/ }).focus()
    await userEvent.keyboard('{Enter}')
    expect(onPick.mock.lastCall?.[0]).toMatchObject({ kind: 'pte', id: 1 })
  })

  it('draws hostile names as text', () => {
    const kernel = at(0)
    kernel.inodes.at(1).name = '<img src=x onerror=alert(1)>'
    const props = {
      kernel,
      changes: [],
      findings: [],
      version: 0,
      hovered: undefined,
      selected: undefined,
      focus: 0,
    }
    const { container } = render(
      <Board {...props} onHover={() => undefined} onPick={() => undefined} />,
    )
    expect(container.querySelector('img')).toBeNull()
    expect(container.textContent).toContain('<img src=x')
  })
})
