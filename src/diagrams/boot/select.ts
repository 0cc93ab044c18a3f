import type { Change } from '../../arena'
import { barsOf, resourceFilesOf } from '../../linux/drivers/pci/bars'
import { type Directory, kernfsNode, nodesIn } from '../../linux/fs/sysfs/dir'
import { INITCALL_LEVELS } from '../../linux/include/init'
import type { Kernel } from '../../linux/kernel'
import { taskName } from '../scene/names'
import type { CardView, Link, Row, Tone } from '../shared/cards'
import { was, wasInRow } from '../shared/changed'
import { threadCards } from '../who/thread-cards'

/** What happens at the levels, in the order of INITCALL_LEVELS, from the first that runs. */
const EVENTS = [
  '0',
  '1',
  '2, PCI bus type',
  '3',
  '4, ACPI, pcibios',
  '5, iomem_inode',
  'initramfs',
  '6, host drivers',
  '7, pci_sysfs_init',
  '/init',
]

const STATES = ['live', 'freed', 'freed twice'] as const
const TONES: readonly Tone[] = ['owned', 'gone', 'broken']

/** Times that an attribute was freed; a row that is not there was freed as well. */
const freesOf = (k: Kernel, attr: number): number =>
  k.binAttributes.isLive(attr) ? Math.min(2, k.binAttributes.at(attr).frees) : 1

/** The boot as a strip of levels, where its threads stand, devices with their files, and attributes. */
export const selectBoot = (k: Kernel, changes: readonly Change[]) => [
  { name: 'Boot', cards: levels(k, changes) },
  { name: 'Who', cards: k.boots.capacity === 0 ? [] : threadCards(k, 0) },
  { name: 'PCI', cards: [...hosts(k), ...devices(k)] },
  { name: 'Attributes', cards: attributes(k) },
]

const inodeText = (value: number): string => (value !== 0 ? 'published' : 'NULL')

const levels = (k: Kernel, changes: readonly Change[]): CardView[] =>
  k.boots.rows().map((boot) => {
    const before = (field: string) => wasInRow(changes, 'boots', boot.id, field)
    return {
      target: { kind: 'boot', id: boot.id },
      title: 'initcalls',
      side: boot.panicked === 1 ? 'panic' : boot.level,
      tone: boot.panicked === 1 ? 'broken' : 'plain',
      rows: [
        ...levelRows(k, INITCALL_LEVELS.indexOf(boot.level)),
        {
          kind: 'text',
          label: 'iomem_inode',
          value: inodeText(k.globals.iomem_inode),
          ...was(wasInRow(changes, 'globalRows', 1, 'iomem_inode'), inodeText),
        },
        {
          kind: 'text',
          label: 'sysfs_initialized',
          value: String(boot.sysfs_initialized),
          ...was(before('sysfs_initialized'), String),
        },
      ],
    }
  })

/** A line for each level: what was, what runs, and what is to come. */
const levelRows = (k: Kernel, now: number): Row[] =>
  EVENTS.map((event, i): Row => {
    const level = i + 1
    const isGone = event.includes('pci_sysfs_init') && k.policy.resourceFiles === 'static'
    return {
      kind: 'text',
      label: `${level === now ? '▸ ' : ''}${INITCALL_LEVELS[level]}`,
      value: isGone ? '7' : event,
      tone: level === now ? 'owned' : level < now ? 'plain' : 'quiet',
    }
  })

const hosts = (k: Kernel): CardView[] =>
  k.pciHosts.rows().map(({ id, name, listed, probed }) => ({
    target: { kind: 'pci_host_bridge', id },
    title: name,
    side: probed === 1 ? 'probed' : listed === 1 ? 'being probed' : 'not probed',
    tone: listed === 1 ? 'plain' : 'quiet',
    rows: nodeRows(k, { host: id }),
  }))

const devices = (k: Kernel): CardView[] =>
  k.pciDevs.rows().map(({ id, name, added, klist, on_bus }) => ({
    target: { kind: 'pci_dev', id },
    title: name,
    side: added === 1 ? 'added' : klist > 0 ? 'in the klist' : on_bus === 1 ? 'found' : 'not there',
    tone: on_bus === 1 ? 'plain' : 'quiet',
    rows: on_bus === 1 ? [...nodeRows(k, { dev: id }), ...missing(k, id), ...pointers(k, id)] : [],
  }))

const nodeRows = (k: Kernel, directory: Directory): Row[] =>
  nodesIn(k, directory).map(({ id, name, attr }) => ({
    kind: 'mark',
    target: { kind: 'kernfs_node', id },
    title: name,
    value: 'file',
    sub: `attribute ${STATES[freesOf(k, attr)]}`,
  }))

const missing = (k: Kernel, dev: ReturnType<Kernel['pciDevs']['at']>['id']): Row[] =>
  resourceFilesOf(k, dev)
    .filter(({ name }) => kernfsNode(k, { dev }, name) === undefined)
    .map(({ name }) => ({ kind: 'text', label: name, value: 'no file', tone: 'quiet' }))

const pointersOf = (k: Kernel, dev: number) =>
  barsOf(k, dev).flatMap(({ number, res_attr, res_attr_wc }) => [
    { label: `res_attr[${number}]`, attr: res_attr },
    ...(res_attr_wc === 0 ? [] : [{ label: `res_attr_wc[${number}]`, attr: res_attr_wc }]),
  ])

const pointers = (k: Kernel, dev: number): Row[] =>
  pointersOf(k, dev).map(({ label, attr }) => {
    const frees = freesOf(k, attr)
    return attr === 0
      ? { kind: 'text', label, value: 'NULL', tone: 'quiet' }
      : { kind: 'text', label, value: STATES[frees] ?? '', tone: frees > 0 ? 'broken' : 'plain' }
  })

const attributes = (k: Kernel): CardView[] =>
  k.binAttributes.rows().map(({ id, name, owner, dev, mapping, frees }) => ({
    target: { kind: 'bin_attribute', id },
    title: name,
    side: dev === 0 ? 'no device' : `by ${taskName(k, owner)}`,
    tone: frees === 0 ? 'plain' : frees === 1 ? 'gone' : 'broken',
    rows: [
      {
        kind: 'pills',
        label: 'memory',
        // The third pill stands behind the second: "freed", "twice".
        pills: STATES.map((text, i) => ({
          text: text.replace('freed twice', 'twice'),
          on: i === freesOf(k, id),
          tone: TONES[i] ?? 'plain',
        })),
      },
      { kind: 'text', label: 'mapping', value: mapping },
    ],
  }))

/** From files, and from the pointers of devices, to attributes. */
export function linkBoot(k: Kernel): Link[] {
  const to = (id: number) => ({ kind: 'bin_attribute', id })
  const files = k.kernfsNodes
    .rows()
    .map(
      ({ id, attr }): Link => ({ from: { kind: 'kernfs_node', id }, to: to(attr), tone: 'mapped' }),
    )
  const held = k.pciDevs.rows().flatMap(({ id }) =>
    pointersOf(k, id)
      .filter(({ attr }) => attr !== 0)
      .map(
        ({ attr }): Link => ({
          from: { kind: 'pci_dev', id },
          to: to(attr),
          tone: freesOf(k, attr) > 0 ? 'broken' : 'owned',
        }),
      ),
  )
  return [...files, ...held]
}
