import { describe, expect, it } from 'vitest'
import type { Kernel } from '../../linux/kernel'
import { openScenario } from '../../scenarios/open'
import type { Scenario } from '../../scenarios/scenario'
import { theDriverIsGone } from '../../scenarios/the-driver-is-gone'
import { theInitcallLoses, theWorkerLoses } from '../../scenarios/two-creators'
import { diagrams } from '..'
import { late } from '../board/late'
import { layoutBoard } from '../board/layout'
import { selectBoard } from '../board/select'
import { cardText } from '../shared/cards'
import { linkBoot, selectBoot } from './select'

/** The kernel at the end of a passage of a story, and what the last step changed. */
function told(scenario: Scenario, passage: number, policies = {}) {
  const opened = openScenario(scenario, { policies })
  if (typeof opened === 'string') throw new Error(opened)
  const { timeline, passages } = opened
  timeline.seek(passage < 0 ? 0 : (passages[passage]?.to ?? 0))
  return { k: timeline.kernel, changes: timeline.changes(), timeline }
}

const texts = (k: Kernel, lane: string, changes = told(theWorkerLoses, -1).changes) =>
  selectBoot(k, changes)
    .find(({ name }) => name === lane)
    ?.cards.map(cardText)

describe('the picture of a boot', () => {
  it('has a strip of levels, with what is published and which flag is set', () => {
    expect(texts(told(theWorkerLoses, -1).k, 'Boot')).toEqual([
      'initcalls; rootfs; pure 0; core 1; postcore 2, PCI bus type; arch 3; subsys 4, ACPI, pcibios; fs 5, iomem_inode; ▸ rootfs initramfs; device 6, host drivers; late 7, pci_sysfs_init; run /init; iomem_inode published; sysfs_initialized 0',
    ])
  })

  it('marks the flag in the step that sets it', () => {
    const { timeline } = told(theInitcallLoses, 0)
    while (timeline.kernel.boots.at(1).sysfs_initialized === 0) timeline.seek(timeline.cursor + 1)
    const [boot] = texts(timeline.kernel, 'Boot', timeline.changes()) ?? []
    expect(boot).toContain('▸ late 7, pci_sysfs_init')
    expect(boot).toContain('sysfs_initialized 0 → 1')
  })

  it('shows where each thread stands', () => {
    expect(texts(told(theWorkerLoses, 0).k, 'Who')).toEqual([
      'swapper/0; admin; next do_initcall_level',
      'kworker/u8:1; admin; next pci_lock_rescan_remove',
      'root shell; admin;  idle',
      'app; process;  idle',
      'kworker/u8:2; admin;  idle',
    ])
  })

  it('shows the files of a device, and whether their attribute is live', () => {
    const { k } = told(theWorkerLoses, 1)
    expect(texts(k, 'PCI')?.[2]).toBe(
      '0000:01:00.0; in the klist; resource0: file, attribute live; res_attr[0] live',
    )
    expect(texts(k, 'Attributes')).toEqual([
      'resource0; by swapper/0; memory live; mapping iomem_get_mapping',
    ])
  })

  it('shows a pointer that dangles as broken, and the ribbon to what was freed', () => {
    const { k } = told(theWorkerLoses, 2)
    expect(texts(k, 'PCI')?.[2]).toBe(
      '0000:01:00.0; in the klist; resource0 no file; res_attr[0] freed',
    )
    expect(texts(k, 'Attributes')?.[0]).toContain('memory freed;')
    expect(linkBoot(k)).toEqual([
      {
        from: { kind: 'pci_dev', id: 1 },
        to: { kind: 'bin_attribute', id: 1 },
        tone: 'broken',
      },
    ])
    const twice = told(theWorkerLoses, 2, { resAttrStore: 'beforeCreate' }).k
    expect(texts(twice, 'PCI')?.[2]).toContain('res_attr[0] freed twice')
  })

  it('has no late initcall where the attributes are static', () => {
    const { k } = told(theWorkerLoses, 1, { resourceFiles: 'static' })
    expect(texts(k, 'Boot')?.[0]).toContain('▸ late 7; run')
    expect(texts(k, 'PCI')?.[2]).toBe(
      '0000:01:00.0; in the klist; resource0: file, attribute live; res_attr[0] NULL',
    )
    expect(texts(k, 'Attributes')).toEqual([
      'resource0; no device; memory live; mapping iomem_get_mapping',
    ])
  })
})

describe('the board', () => {
  it('is the picture of the boot on a machine that boots, with ribbons and findings', () => {
    const { k, changes } = told(theWorkerLoses, 2)
    const says = 'res_attr[0] points to an attribute that was freed'
    const view = selectBoard(k, changes, [{ table: 'pciDevs', id: 1, says }], 0, {
      part: late,
      hpa: undefined,
    })
    expect(view.lanes.map(({ name }) => name)).toEqual(['Boot', 'Who', 'PCI', 'Attributes'])
    const device = view.lanes[2]?.cards.find(({ target }) => target.kind === 'pci_dev')
    expect(device?.tone).toBe('broken')
    expect(layoutBoard(view, 1400).ribbons).toHaveLength(1)
    expect(view.ranges.map(({ name }) => name)).toContain('PCI Bus 0000:00')
  })

  it('is what it was on any other, and the picture of the boot is empty there', () => {
    const { k, changes } = told(theDriverIsGone, -1)
    const lanes = selectBoard(k, changes, [], 0, { part: late, hpa: undefined }).lanes.map(
      ({ name }) => name,
    )
    expect(lanes).toEqual(['Who', 'Page table', 'Pages', 'Owner'])
    const boot = diagrams.find(({ name }) => name === 'boot')
    const shown = { kernel: k, changes, findings: [], focus: 0 }
    const view = boot?.select(shown) as ReturnType<typeof selectBoot>
    expect(view.flatMap(({ cards }) => cards)).toEqual([])
  })
})
