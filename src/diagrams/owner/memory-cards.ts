import type { Kernel } from '../../linux/kernel'
import { isKsm } from '../../linux/mm/folio'
import { anonPlaces } from '../../linux/mm/rmap-anon'
import { listed, processName } from '../scene/names'
import type { Scene } from '../scene/scene'
import type { CardView, Row } from '../shared/cards'
import { hex } from '../shared/format'
import { note, rest } from '../shared/rest'

const MAX_SLOTS = 4
const MAX_NODES = 3
const MAX_OWNERS = 4

/** Owners of ordinary memory: the swap device, KSM’s stable tree, and the anon_vmas. */
export const memoryOwners = (scene: Scene): CardView[] => [
  ...anonVmas(scene),
  ...stableNodes(scene.k),
  ...swapSlots(scene.k),
]

function swapSlots(k: Kernel): CardView[] {
  const slots = k.swapMap
    .runs()
    .flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i))
  const more = slots.length - MAX_SLOTS
  const cards = slots.slice(0, MAX_SLOTS).map((offset) => slotCard(k, offset))
  return more > 0 ? [...cards, note(rest.slots, `and ${more} more swap slots`)] : cards
}

function slotCard(k: Kernel, offset: number): CardView {
  const { count, has_cache, pfn, written, value, rest: after } = k.swapMap.at(offset)
  const rows: Row[] = [
    { kind: 'text', label: 'swap_map', value: count === 1 ? '1 entry' : `${count} entries` },
    {
      kind: 'text',
      label: 'HAS_CACHE',
      value: has_cache === 0 ? 'no' : hex(pfn),
      tone: has_cache === 0 ? 'quiet' : 'plain',
    },
    written === 0
      ? { kind: 'text', label: 'on disk', value: 'not written', tone: 'quiet' }
      : {
          kind: 'byte',
          label: 'on disk',
          byte: { value, ...(after === value || after === 0 ? {} : { rest: after }) },
        },
  ]
  return {
    target: { kind: 'swap_slot', id: 0, key: offset },
    title: `swap slot ${offset}`,
    side: '',
    tone: 'plain',
    rows,
  }
}

const stableNodes = (k: Kernel): CardView[] =>
  k.stableNodes
    .rows()
    .slice(0, MAX_NODES)
    .map(({ id, kpfn, value, rest: after }): CardView => {
      const isStale = !k.pages.has(kpfn) || !isKsm(k, kpfn)
      return {
        target: { kind: 'stable_node', id },
        title: 'KSM stable node',
        side: hex(kpfn),
        tone: isStale ? 'gone' : 'plain',
        rows: [
          {
            kind: 'byte',
            label: 'merged as',
            byte: { value, ...(after === value || after === 0 ? {} : { rest: after }) },
          },
          {
            kind: 'text',
            value: isStale ? 'its page is gone: pruned by the next search' : 'holds no reference',
            tone: 'quiet',
          },
        ],
      }
    })

/** One for each process whose anonymous pages are drawn, with where rmap would find them. */
function anonVmas({ k, pages }: Scene): CardView[] {
  const owned = pages
    .filter(({ start, isDevice }) => !isDevice && k.pages.has(start))
    .map(({ start }) => ({ pfn: start, owner: Number(k.pages.at(start).anon_vma) }))
    .filter(({ owner }) => owner !== 0)
  const owners = [...new Set(owned.map(({ owner }) => owner))].slice(0, MAX_OWNERS)
  return owners.map((owner): CardView => {
    const mine = owned.filter((each) => each.owner === owner).map(({ pfn }) => pfn)
    const found = new Set(mine.flatMap((pfn) => anonPlaces(k, pfn).map(({ mm }) => Number(mm))))
    const names = [...found].sort((a, b) => a - b).map((mm) => processName(k, mm))
    return {
      target: { kind: 'anon_vma', id: owner },
      title: `anon_vma of ${processName(k, owner)}`,
      side: '',
      tone: 'plain',
      rows: [
        { kind: 'text', label: 'pages', value: listed(mine.map(hex), 2) },
        { kind: 'text', label: 'rmap finds', value: listed(names, 2) || 'no entry' },
      ],
    }
  })
}
