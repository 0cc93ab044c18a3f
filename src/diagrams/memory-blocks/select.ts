import type { Change } from '../../arena'
import { MEMORY_BLOCK_PAGES } from '../../linux/include/memory'
import type { Kernel } from '../../linux/kernel'
import { hotplugOf } from '../../linux/mm/memory-blocks'
import type { Finding } from '../../machine'
import { taskName } from '../scene/names'
import type { Scene } from '../scene/scene'
import type { CardView, Cell, Link, Row, Tone } from '../shared/cards'
import { wasAtKey } from '../shared/changed'

type Block = ReturnType<Kernel['memoryBlocks']['at']>

/** Blocks [start, end) that have one cell. */
interface Run extends Pick<Block, 'state' | 'zone' | 'isolated' | 'dax'> {
  readonly start: number
  readonly end: number
}

/** Blocks that each have a cell; of more, those that are alike share one. */
const MAX_BLOCKS = 8

const STATE_TONE: Record<Run['state'], Tone> = {
  offline: 'quiet',
  going_offline: 'pinned',
  online: 'owned',
}

/** Stretches of blocks that have a cell each. */
function cellRuns(k: Kernel): Run[] {
  const runs = k.memoryBlocks.runs()
  const count = runs.reduce((sum, { length }) => sum + length, 0)
  if (count > MAX_BLOCKS) return runs
  return runs.flatMap(({ start, length, state, zone, isolated, dax }) =>
    Array.from({ length }, (_, i) => {
      const block = start + i
      return { start: block, end: block + 1, state, zone, isolated, dax }
    }),
  )
}

/** Memory that was added while the system runs, block by block, as its file `state` says. */
export function blockCards(
  k: Kernel,
  changes: readonly Change[],
  findings: readonly Finding[],
): CardView[] {
  const runs = cellRuns(k)
  const [first] = runs
  if (first === undefined) return []
  const isLeaked = runs.some(({ dax }) => dax === 0)
  const wrong = findings.filter(({ table }) => table === 'memoryBlocks').map(({ says }) => says)
  return [
    {
      target: { kind: 'none', id: 11 },
      title: 'memory blocks',
      side: isLeaked ? 'leaked' : k.devDaxes.at(first.dax).name,
      tone: wrong.length > 0 ? 'broken' : 'plain',
      rows: [
        ...wrong.map((value): Row => ({ kind: 'text', value, tone: 'broken' })),
        ...(isLeaked ? [leaked] : []),
        { kind: 'cells', least: 44, cells: runs.map((run) => blockCell(run, changes)) },
        { kind: 'text', value: '128 MiB each', tone: 'quiet' },
        ...lockRow(k),
      ],
    },
  ]
}

const leaked: Row = {
  kind: 'text',
  value: 'of no device: claimed until the next reboot',
  tone: 'broken',
}

/** As the file `state` spells it, over two lines where it is long. */
const STATE_LINES: Record<Run['state'], readonly string[]> = {
  offline: ['offline'],
  going_offline: ['going-', 'offline'],
  online: ['online'],
}

/** As the file `valid_zones` spells them. */
const ZONE_NAMES: Record<Run['zone'], string> = { MOVABLE: 'Movable', NORMAL: 'Normal' }

function blockCell({ start, end, state, zone, isolated }: Run, changes: readonly Change[]): Cell {
  const title = end === start + 1 ? String(start) : `${start}…${end - 1}`
  const word = STATE_LINES[state].join('')
  const where = state === 'offline' ? [] : [ZONE_NAMES[zone]]
  return {
    target: { kind: 'memory_block', id: 0, key: start },
    title,
    lines: [...STATE_LINES[state], ...where, ...(isolated === 0 ? [] : ['isolated'])],
    on: state !== 'offline',
    tone: STATE_TONE[state],
    changed: wasAtKey(changes, 'memoryBlocks', 0, start, 'state') !== undefined,
    says: [`memory${title} ${word}`, ...where, ...(isolated === 0 ? [] : ['isolated'])].join(' '),
  }
}

function lockRow(k: Kernel): Row[] {
  const holder = hotplugOf(k)?.device_hotplug_lock ?? 0
  return holder === 0
    ? []
    : [{ kind: 'text', value: `device_hotplug_lock: ${taskName(k, holder)}`, tone: 'pinned' }]
}

/** From pages to their blocks, and from those to the device that added them. */
export function linkBlocks({ k, pages }: Scene): Link[] {
  const runs = cellRuns(k)
  const target = ({ start }: Run) => ({ kind: 'memory_block', id: 0, key: start })
  const held = pages.flatMap(({ start }): Link[] => {
    const block = Math.floor(start / MEMORY_BLOCK_PAGES)
    const run = runs.find((each) => each.start <= block && block < each.end)
    if (run === undefined) return []
    return [{ from: { kind: 'page', id: 0, key: start }, to: target(run), tone: 'owned' }]
  })
  const owned = runs
    .filter(({ dax }) => dax !== 0)
    .map(
      (run): Link => ({
        from: target(run),
        to: { kind: 'dev_dax', id: run.dax },
        tone: 'quiet',
        isSilent: true,
      }),
    )
  return [...held, ...owned]
}
