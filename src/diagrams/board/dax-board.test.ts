import { describe, expect, it } from 'vitest'
import { dev_dax_remove } from '../../linux/drivers/dax/device'
import { ib_umem_get } from '../../linux/drivers/infiniband/umem'
import { ib_umem_odp_get, odpWrite } from '../../linux/drivers/infiniband/umem-odp'
import { dax_make_entry } from '../../linux/fs/dax-entries'
import { update_wall_time } from '../../linux/fs/dax-lease'
import { truncateArgs } from '../../linux/fs/shrink'
import { xfs_vn_setattr } from '../../linux/fs/xfs/xfs_file'
import { DAX } from '../../linux/include/fs'
import type { Kernel } from '../../linux/kernel'
import { injectPoison } from '../../linux/mm/hwpoison-inject'
import { userLoad } from '../../linux/mm/user-access'
import { bootDevice, bootWritten, P3 } from '../../testing/removal-kernel'
import { bootF1 } from '../../testing/truncate-kernel'
import { cardText } from '../shared/cards'
import { late } from './late'
import { selectBoard } from './select'

/** The cards of a lane as sentences. */
const said = (k: Kernel, lane: 'Who' | 'Page table' | 'Pages' | 'Owner'): string[] =>
  selectBoard(k, [], [], 0, { part: late, hpa: undefined })
    .lanes.filter(({ name }) => name === lane)
    .flatMap(({ cards }) => cards.map(cardText))

const card = (k: Kernel, lane: Parameters<typeof said>[1], start: string): string =>
  said(k, lane).find((text) => text.startsWith(start)) ?? 'none'

describe('the percpu_ref of a pgmap', () => {
  it('is live, dying, dead and exited, and atomic only after the grace period (W17)', () => {
    const k = bootDevice('v6.12')
    const pgmap = () => card(k.kernel, 'Owner', 'dev_pagemap')
    expect(pgmap()).toBe('dev_pagemap; GENERIC; percpu_ref percpu; live; count 9; done not yet')
    const r = k.task('R').begins(dev_dax_remove, { device: 1 }).runTo('put_pages')
    expect(pgmap()).toContain(
      'percpu_ref percpu; dying; count 8; atomic after an RCU grace period; done not yet',
    )
    r.runTo('switch_to_atomic')
    expect(pgmap()).toContain('percpu_ref percpu; dying; count 0')
    r.runTo('wait_done')
    expect(pgmap()).toContain('percpu_ref atomic; dead; count 0; done completed')
    r.finishes()
    expect(pgmap()).toContain('percpu_ref atomic; exited; count 0; done completed')
  })

  it('says that pages make folios of 2 MiB', () => {
    const { kernel } = bootDevice('v6.12', { align: 512 })
    expect(card(kernel, 'Owner', 'dev_pagemap')).toContain('vmemmap_shift 9, 2 MiB')
  })
})

describe('slots of i_pages', () => {
  it('have the values of §2.1 of the DAX sheet', () => {
    expect(dax_make_entry({ pfn: P3, flags: 0 })).toEqual({ value: 0x4802030, word: 0x9004061 })
    expect(dax_make_entry({ pfn: P3, flags: DAX.locked }).word).toBe(0x9004063)
    expect(dax_make_entry({ pfn: -1, flags: DAX.locked | DAX.empty }).value).toBe(0x9)
  })

  it('are drawn with their value, their word and their bits', () => {
    const k = bootWritten('v6.12')
    const file = () => card(k.kernel, 'Owner', 'F1')
    expect(file()).toContain(
      'entry 0, value 0x4802030, slot word 0x9004061, dirty; bits mark DIRTY',
    )
    k.kernel.daxEntries.in(1).edit(0, 1, ({ flags }) => ({ flags: flags | DAX.locked }))
    expect(file()).toContain('value 0x4802031, slot word 0x9004063, locked dirty; bits locked')
  })
})

describe('lost bytes', () => {
  it('are marked at the page, and in the list of bad blocks of the device', () => {
    const k = bootWritten('v6.12')
    const args = { pfn: P3, found: 1, recorded: 1 }
    k.task('R').begins(injectPoison, args).finishes()
    const page = card(k.kernel, 'Pages', '0x480203')
    expect(page).toContain('✕ PG_hwpoison; ✕ a load gets a machine check; ✕ in badblocks')
    expect(card(k.kernel, 'Owner', 'namespace0.0')).toContain('badblocks 0x480203')
  })
})

describe('RDMA', () => {
  it('names the adapter of a memory region, and of one on demand', () => {
    const k = bootDevice('v6.12')
    k.load('A', userLoad)
    k.kernel.tasks.at(k.task('R 2').id).name = 'mlx5_0'
    k.kernel.tasks.at(k.task('mlx5_0').id).role = 'device'
    const start = k.vpn('A')
    k.task('A').begins(ib_umem_get, { start, pages: 1 }).finishes()
    k.task('A').begins(ib_umem_odp_get, { start, pages: 1 }).finishes()
    expect(card(k.kernel, 'Who', 'mlx5_0; RDMA MR')).toContain('holds 0x480203')
    const odp = () => card(k.kernel, 'Who', 'mlx5_0; ODP MR')
    expect(odp()).toContain('maps nothing: its next access faults; invalidate_seq 1')
    k.task('mlx5_0').begins(odpWrite, { umem: 1, page: 0, value: 0xd1 }).finishes()
    expect(odp()).toContain('maps 0x480203')
  })

  it('draws the ribbon of the adapter’s own entry', () => {
    const k = bootWritten('v6.12')
    k.task('A')
      .begins(ib_umem_odp_get, { start: k.vpn('A'), pages: 1 })
      .finishes()
    k.task('R').begins(odpWrite, { umem: 1, page: 0, value: 0xd1 }).finishes()
    const { links } = selectBoard(k.kernel, [], [], 0, { part: late, hpa: undefined })
    expect(links.find(({ from }) => from.kind === 'umem_odp')?.to.key).toBe(P3)
    k.task('R')
      .begins(xfs_vn_setattr, truncateArgs(k.kernel, 1, 0))
      .finishes()
    expect(card(k.kernel, 'Who', 'an RDMA adapter')).toContain('maps nothing')
  })
})

describe('the answers to truncate under DMA', () => {
  it('show the lease of 2017 with dl_count and dl_state (W7)', () => {
    const k = bootF1('v4.14', { policies: { daxTruncate: 'lease' } })
    k.gup('A', 'GET').finishes()
    const lease = () => card(k.kernel, 'Owner', 'dax_lease')
    expect(lease()).toBe(
      'dax_lease; F1; dl_count 2; dl_state ; bits PAGES; flc_lease FL_ALLOCATED; reap work at jiffies 2; break work not queued',
    )
    k.task('C').begins(update_wall_time, { ticks: 1 }).finishes()
    k.truncate().runs()
    expect(lease()).toContain('dl_count 3; dl_state ; bits PAGES BREAK')
  })

  it('show the blocks that were set aside in lost+found (W5)', () => {
    const k = bootF1('v4.14', { policies: { daxTruncate: 'remap' } })
    k.gup('A', 'GET').finishes()
    k.truncate().finishes()
    expect(card(k.kernel, 'Owner', 'lost+found')).toContain(
      'inode 11; size 4 KiB; extent of 1 block; has blocks that are under DMA',
    )
  })
})

describe('idle pages of a device', () => {
  it.each([
    ['v6.12', '_refcount 1: only the device holds them'],
    ['v6.15', '_refcount 0: nobody holds them'],
  ])('count in %s: %s', (preset, says) => {
    expect(card(bootWritten(preset).kernel, 'Pages', 'the other 7 pages')).toContain(says)
  })
})
