import type { Change } from '../../arena'
import { decodersOf } from '../../linux/drivers/cxl/topology'
import type { Kernel } from '../../linux/kernel'
import type { Topology, TopologyNode, WireState } from '../board/part'
import type { CardView, Cell, Row } from '../shared/cards'
import { was, wasInRow } from '../shared/changed'
import { hex, size } from '../shared/format'
import { addressCard, servedAt, shownAddress } from './address'

type Port = ReturnType<Kernel['cxlPorts']['at']>
type Decoder = ReturnType<Kernel['cxlDecoders']['at']>
type Memdev = ReturnType<Kernel['cxlMemdevs']['at']>

const KINDS = {
  root: 'CXL root',
  host_bridge: 'host bridge',
  switch: 'switch',
  endpoint: 'endpoint',
} as const

/** Ports from the root down to the cards; nothing where the machine has no CXL. */
export function selectTopology(
  k: Kernel,
  changes: readonly Change[],
  asked: number | undefined,
): Topology | undefined {
  const roots = k.cxlPorts.rows().filter(({ kind }) => kind === 'root')
  if (roots.length === 0) return undefined
  const hpa = shownAddress(k, asked)
  const memdev = servedAt(k, hpa)?.memdev ?? 0
  const nodeOf = (port: Port): TopologyNode => {
    const children = k.cxlPorts
      .rows()
      .filter(({ parent }) => parent === port.id)
      .map(nodeOf)
    const isCard = port.memdev !== 0
    return {
      card: isCard
        ? memdevCard(k, k.cxlMemdevs.at(port.memdev), changes)
        : portCard(k, port, changes),
      wire: wireTo(k, port),
      serves: isCard ? port.memdev === memdev : children.some(({ serves }) => serves),
      children,
    }
  }
  return { roots: roots.map(nodeOf), address: addressCard(k, hpa) }
}

function wireTo(k: Kernel, port: Port): WireState {
  const isDown = port.memdev !== 0 && k.cxlMemdevs.at(port.memdev).link === 'down'
  if (isDown) return 'down'
  return decodersOf(k, port.id).some(({ committed }) => committed === 1) ? 'up' : 'reset'
}

const portCard = (k: Kernel, { id, name, kind }: Port, changes: readonly Change[]): CardView => ({
  target: { kind: 'cxl_port', id },
  title: name,
  side: KINDS[kind],
  tone: 'plain',
  rows: [decoderCells(k, id, changes)],
})

function decoderCells(k: Kernel, port: number, changes: readonly Change[]): Row {
  const cells = decodersOf(k, port).map((decoder): Cell => {
    const { id, name, committed } = decoder
    const lines = decoderLines(k, decoder)
    return {
      target: { kind: 'cxl_decoder', id },
      title: name,
      lines,
      on: committed === 1,
      tone: 'owned',
      changed: wasInRow(changes, 'cxlDecoders', id, 'committed') !== undefined,
      says: [name, ...lines].join(', '),
    }
  })
  return { kind: 'cells', least: 96, cells }
}

/** What a decoder decodes. A reset whose write was lost leaves the hardware committed. */
function decoderLines(k: Kernel, decoder: Decoder): string[] {
  const { committed, enabled, region, resource, hpa_base, size: bytes, pos, mode } = decoder
  if (resource !== 0) return [`${size(bytes)} at ${hex(hpa_base)}`]
  const name = region !== 0 && k.cxlRegions.isLive(region) ? k.cxlRegions.at(region).name : ''
  const target = pos >= 0 ? `pos ${pos}` : name
  const state =
    committed === 0
      ? mode === 'dead'
        ? 'dead'
        : 'reset'
      : enabled === 1
        ? 'committed'
        : 'not reset'
  return [target === '' ? state : `${state}, ${target}`]
}

/** A card in its slot. That another one is there now, or none, is said in words and by its edge. */
function memdevCard(k: Kernel, memdev: Memdev, changes: readonly Change[]): CardView {
  const { id, name, gen, link, driver, ram_size, endpoint, disconnected } = memdev
  const port = endpoint === 0 ? '' : k.cxlPorts.at(endpoint).name
  const isUp = link === 'up'
  const rows: Row[] = [
    {
      kind: 'pills',
      label: 'link',
      pills: [
        { text: 'up', on: isUp, tone: 'owned' },
        { text: 'down', on: !isUp, tone: 'broken' },
      ],
    },
    {
      kind: 'text',
      label: 'card',
      value: gen === 1 ? 'gen 1' : `gen ${gen}`,
      tone: gen === 1 ? 'plain' : 'pinned',
      ...was(wasInRow(changes, 'cxlMemdevs', id, 'gen'), String),
    },
    {
      kind: 'text',
      label: 'port',
      value: port === '' ? 'none' : port,
      tone: port === '' ? 'quiet' : 'plain',
    },
    {
      kind: 'text',
      label: 'driver',
      value: driver,
      tone: driver === 'none' ? 'quiet' : 'plain',
    },
    ...(disconnected === 1
      ? [{ kind: 'text', value: 'disconnected', tone: 'broken' } as const]
      : []),
  ]
  return {
    target: { kind: 'cxl_memdev', id },
    title: name,
    side: size(ram_size),
    tone: endpoint === 0 ? 'gone' : !isUp ? 'broken' : gen > 1 ? 'pinned' : 'plain',
    rows: [
      ...stateRows(memdev),
      ...rows,
      ...(endpoint === 0 ? [] : [decoderCells(k, endpoint, changes)]),
    ],
  }
}

function stateRows({ endpoint, link, gen }: Memdev): Row[] {
  if (endpoint === 0) return [{ kind: 'text', value: '✕ slot is empty', tone: 'broken' }]
  if (link === 'down') return [{ kind: 'text', value: '✕ pulled out', tone: 'broken' }]
  if (gen > 1) return [{ kind: 'text', value: '⇄ another card', tone: 'pinned' }]
  return []
}
