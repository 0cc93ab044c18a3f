import { claims, decodeHpa, dpaToHpa } from '../../linux/drivers/cxl/decode'
import { answerAt } from '../../linux/drivers/cxl/fabric'
import { memdevOf, rootDecoders, targetsOf } from '../../linux/drivers/cxl/topology'
import { PAGE_SIZE } from '../../linux/include/mm'
import type { Kernel } from '../../linux/kernel'
import type { Target } from '../../machine'
import type { CardView, Cell, Row } from '../shared/cards'
import { hex, size } from '../shared/format'

type Region = ReturnType<Kernel['cxlRegions']['at']>

/** Where an address of a region lands, by the arithmetic of §6.1 of the DAX sheet. */
export interface Served {
  readonly region: Region
  /** (HPA − base) ÷ granularity, whole. */
  readonly chunk: number
  readonly pos: number
  /** The number of the memdev at that position; 0: none is attached. */
  readonly memdev: number
  readonly name: string
  readonly dpa: number
}

const inWindow = (k: Kernel, hpa: number): boolean =>
  rootDecoders(k).some((root) => claims(root, hpa))

const setOf = ({ start, size: bytes, ways, granularity }: Region) => ({
  hpa_base: start,
  size: bytes,
  ways,
  granularity,
})

/** Which memdev has an address; nothing where no region is. */
export function servedAt(k: Kernel, hpa: number): Served | undefined {
  const region = k.cxlRegions.rows().find((each) => claims(setOf(each), hpa))
  if (region === undefined) return undefined
  const { pos, offset } = decodeHpa(setOf(region), hpa)
  const target = targetsOf(k, region.id).find((each) => each.pos === pos)
  const memdev = target === undefined ? undefined : memdevOf(k, target)
  return {
    region,
    chunk: Math.floor((hpa - region.start) / region.granularity),
    pos,
    memdev: memdev?.id ?? 0,
    name: memdev?.name ?? 'none',
    dpa: (target?.dpa_base ?? 0) + offset,
  }
}

/** The memdevs that have pages [start, end): all of the set where they are many. */
export function memdevsOf(k: Kernel, start: number, end: number): number[] {
  const found = new Set<number>()
  const first = servedAt(k, start * PAGE_SIZE)
  if (first === undefined) return []
  const step = Math.min(PAGE_SIZE, first.region.granularity)
  const last = Math.min(end * PAGE_SIZE, start * PAGE_SIZE + first.region.ways * 16_384)
  for (let hpa = start * PAGE_SIZE; hpa < last; hpa += step) {
    const served = servedAt(k, hpa)
    if (served !== undefined && served.memdev !== 0) found.add(served.memdev)
  }
  return [...found]
}

/** The address that a mark stands for, if it is one of a CXL window. */
export function addressOf(k: Kernel, target: Target | undefined): number | undefined {
  const hpa = rawAddress(k, target)
  return hpa !== undefined && inWindow(k, hpa) ? hpa : undefined
}

function rawAddress(k: Kernel, target: Target | undefined): number | undefined {
  if (target?.key === undefined) return undefined
  const { kind, id, key } = target
  if (kind === 'hpa') return key
  if (kind === 'page') return key * PAGE_SIZE
  if (kind !== 'pte' || !k.mms.isLive(id) || !k.ptes.in(id).has(key)) return undefined
  const { pfn, kind: entry } = k.ptes.in(id).at(key)
  return entry === 'leaf' ? pfn * PAGE_SIZE : undefined
}

/** The address that is shown: the one that was asked for, or the first one that a region has. */
export function shownAddress(k: Kernel, asked: number | undefined): number {
  if (asked !== undefined && inWindow(k, asked)) return asked
  const regions = k.cxlRegions.rows().filter((region) => region.size > 0)
  return regions[0]?.start ?? rootDecoders(k)[0]?.hpa_base ?? 0
}

/** Which card serves an address, step by step. */
export function addressCard(k: Kernel, hpa: number): CardView {
  const served = servedAt(k, hpa)
  return {
    target: { kind: 'none', id: 10 },
    title: 'Which card serves it?',
    side: served === undefined ? 'no region' : served.region.name,
    tone: 'quiet',
    // What is pointed at stands first: rows below it may grow without moving it.
    rows: [
      ...(served === undefined ? [] : [stripes(k, served)]),
      { kind: 'text', label: 'HPA', value: hex(hpa) },
      ...decodeRows(served),
      loadRow(k, hpa),
    ],
  }
}

function decodeRows(served: Served | undefined): Row[] {
  if (served === undefined) return []
  const { region, chunk, pos, memdev, name, dpa } = served
  return [
    {
      kind: 'text',
      label: 'chunk',
      value: `${chunk.toLocaleString('en')}, of ${size(region.granularity)}`,
    },
    { kind: 'text', label: 'position', value: `${pos} = chunk mod ${region.ways}` },
    memdev === 0
      ? { kind: 'text', label: 'device', value: 'none is attached', tone: 'broken' }
      : { kind: 'text', label: 'device', value: `${name}, DPA ${hex(dpa)}` },
  ]
}

/** What the fabric answers; platform dependent where it is no data. */
function loadRow(k: Kernel, hpa: number): Row {
  const answer = answerAt(k, hpa)
  if (answer === 'data' || answer === 'none')
    return { kind: 'text', label: 'a load gets', value: 'data' }
  const why = answer === 'all_ones' ? 'the link is down' : 'nothing decodes it'
  const what =
    k.policy.linkDown === 'machineCheck'
      ? 'a machine check'
      : answer === 'all_ones'
        ? 'all-ones'
        : 'an error'
  return { kind: 'text', label: 'a load gets', value: `${what}: ${why}`, tone: 'broken' }
}

const STRIPES = 8

/** The chunks around the address by position: each can be pointed at. */
function stripes(k: Kernel, { region, chunk }: Served): Row {
  const first = chunk - (chunk % STRIPES)
  const chunks = Math.floor(region.size / region.granularity)
  const cells = Array.from({ length: Math.min(STRIPES, chunks - first) }, (_, i): Cell => {
    const number = first + i
    const place = {
      pos: number % region.ways,
      offset: Math.floor(number / region.ways) * region.granularity,
    }
    const hpa = dpaToHpa(setOf(region), place)
    const served = servedAt(k, hpa)
    return {
      target: { kind: 'hpa', id: region.id, key: hpa },
      title: String(place.pos),
      lines: [],
      on: number === chunk,
      tone: 'mapped',
      changed: false,
      says: `HPA ${hex(hpa)}: chunk ${number}, position ${place.pos}, ${served?.name}, DPA ${hex(served?.dpa ?? 0)}`,
    }
  })
  return { kind: 'cells', least: 20, cells }
}
