import type { Change } from '../../arena'
import { answerOf } from '../../linux/drivers/cxl/fabric'
import { memdevOf, targetsOf } from '../../linux/drivers/cxl/topology'
import type { Kernel } from '../../linux/kernel'
import type { Scene } from '../scene/scene'
import type { CardView, Link, Row } from '../shared/cards'
import { was, wasInRow } from '../shared/changed'
import { addressRange, size } from '../shared/format'
import { memdevsOf, servedAt } from './address'

/** Regions, and the DAX devices that were made of them. */
export const cxlOwners = (k: Kernel, changes: readonly Change[]): CardView[] => [
  ...k.devDaxes.rows().map((dax) => daxCard(k, dax)),
  ...k.cxlRegions.rows().map((region) => regionCard(k, region, changes)),
]

type Region = ReturnType<Kernel['cxlRegions']['at']>

function regionCard(k: Kernel, region: Region, changes: readonly Change[]): CardView {
  const { id, name, state, ways, granularity, start, size: bytes, driver, needs_reset } = region
  const targets = targetsOf(k, id)
  const names = Array.from({ length: ways }, (_, pos) => {
    const target = targets.find((each) => each.pos === pos)
    return target === undefined ? '–' : memdevOf(k, target).name
  })
  const rows: Row[] = [
    {
      kind: 'text',
      label: 'state',
      value: state,
      tone: state === 'COMMIT' ? 'plain' : 'pinned',
      ...was(wasInRow(changes, 'cxlRegions', id, 'state'), String),
    },
    { kind: 'text', label: 'ways', value: `${ways} of ${size(granularity)}` },
    { kind: 'text', label: 'targets', value: names.join(' ') || 'none' },
    { kind: 'text', label: 'driver', value: driver, tone: driver === 'none' ? 'quiet' : 'plain' },
    ...(bytes === 0
      ? []
      : [{ kind: 'text', value: addressRange(start, start + bytes - 1), tone: 'quiet' } as const]),
    ...(needs_reset === 1 ? [{ kind: 'text', value: 'NEEDS_RESET', tone: 'pinned' } as const] : []),
  ]
  return {
    target: { kind: 'cxl_region', id },
    title: name,
    side: bytes === 0 ? 'no size yet' : size(bytes),
    tone: 'plain',
    rows,
  }
}

function daxCard(
  k: Kernel,
  { id, name, region, driver, alive, align, target_node }: ReturnType<Kernel['devDaxes']['at']>,
): CardView {
  const number = region !== 0 && k.cxlRegions.isLive(region) ? k.cxlRegions.at(region).name : ''
  return {
    target: { kind: 'dev_dax', id },
    title: name,
    side: driver === 'none' ? 'no driver' : driver,
    tone: driver === 'none' ? 'gone' : 'plain',
    rows: [
      {
        kind: 'pills',
        label: 'device',
        pills: [
          { text: 'alive', on: alive === 1, tone: 'owned' },
          { text: 'killed', on: alive !== 1, tone: 'broken' },
        ],
      },
      {
        kind: 'text',
        label: 'in',
        value: number === '' ? 'no dax_region' : `dax_region${number.slice('region'.length)}`,
      },
      { kind: 'text', label: 'align', value: size(align) },
      { kind: 'text', label: 'target_node', value: String(target_node) },
    ],
  }
}

/** From pages to the cards that hold them, and from devices and regions to their claims. */
export function linkCxl({ k, pages }: Scene): Link[] {
  const held = pages.flatMap(({ start, end }) => {
    const tone = answerOf(k, start) === 'data' ? 'mapped' : 'broken'
    return memdevsOf(k, start, end).map(
      (id): Link => ({
        from: { kind: 'page', id: 0, key: start },
        to: { kind: 'cxl_memdev', id },
        tone,
      }),
    )
  })
  const regions = k.cxlRegions.rows().flatMap(({ id, resource }): Link[] => [
    ...claim({ kind: 'cxl_region', id }, resource, 'quiet'),
    ...targetsOf(k, id).map(
      (target): Link => ({
        from: { kind: 'cxl_region', id },
        to: { kind: 'cxl_memdev', id: memdevOf(k, target).id },
        tone: 'quiet',
        isSilent: true,
      }),
    ),
  ])
  const devices = k.devDaxes
    .rows()
    .flatMap(({ id, resource }) => claim({ kind: 'dev_dax', id }, resource, 'owned'))
  return [...held, ...regions, ...devices, ...stripeLinks(k)]
}

const claim = (from: Link['from'], resource: number, tone: Link['tone']): Link[] =>
  resource === 0 ? [] : [{ from, to: { kind: 'resource', id: resource }, tone }]

/** From the first chunks of each region to the cards that have them. */
const stripeLinks = (k: Kernel): Link[] =>
  k.cxlRegions.rows().flatMap(({ id, start, granularity, size: bytes }) =>
    bytes === 0
      ? []
      : Array.from({ length: 8 }, (_, i) => start + i * granularity).flatMap((hpa): Link[] => {
          const memdev = servedAt(k, hpa)?.memdev ?? 0
          const from = { kind: 'hpa', id, key: hpa }
          return memdev === 0
            ? []
            : [{ from, to: { kind: 'cxl_memdev', id: memdev }, tone: 'quiet', isSilent: true }]
        }),
  )
