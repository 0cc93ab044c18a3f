import { ref } from '../../../arena'
import { EBUSY } from '../../include/errno'
import { PAGE_SIZE } from '../../include/mm'
import type { Kernel } from '../../kernel'
import { printk } from '../../kernel/printk'
import { __release_region, __request_region } from '../../kernel/resource'
import { IOMEM_RESOURCE } from '../../kernel/resource-tree'
import { operation } from '../../operation'
import { pmem_attach_disk } from './pmem'

/** nd_info_block_reserve(): where info blocks of BTT, PFN and DAX lie. */
const INFO_BLOCKS = 2 * PAGE_SIZE

const infoRange = (k: Kernel, device: number) => {
  const start = k.namespaces.at(device).start * PAGE_SIZE
  return { start, end: start + INFO_BLOCKS - 1 }
}

const hex = (address: number): string => address.toString(16).padStart(8, '0')

/** devm_nsio_enable() and pmem_attach_disk() name the whole namespace, whatever they asked for. */
function reserveFailed(k: Kernel, device: number): void {
  const { name, start, end } = k.namespaces.at(device)
  const range = `0x${hex(start * PAGE_SIZE)}-0x${hex(end * PAGE_SIZE - 1)}`
  printk(k, `nd_pmem ${name}: could not reserve region [mem ${range}]`)
}

/** PM1 to PM6 of the iomem sheet, §2.7: a namespace without an info block. */
export const nd_pmem_probe = operation({
  name: 'nd_pmem_probe',
  does: 'Looks for info blocks, which takes a claim of its own, and then binds the pmem driver.',
  source: { file: 'drivers/nvdimm/pmem.c', fn: 'nd_pmem_probe', version: '6.12' },
  leftOut:
    'BTT, PFN and DAX info blocks: the namespace is raw. device_lock is taken for the second half.',
  via: ['nvdimm_bus_probe', 'really_probe', 'bind_store'],
  start: {
    label: 'Bind the pmem driver, looking for info blocks first',
    on: ['namespace'],
    by: 'admin',
    offered: (k) => k.iomemNodes.capacity > 0,
    args: (k, { id }) => ({ device: k.namespaces.at(id).id }),
    refuse(k, { device }) {
      if (!k.namespaces.isLive(device)) return 'There is no such namespace.'
      return k.namespaces.at(device).driver === 'none' ? undefined : 'The driver is bound already.'
    },
  },
  params: { device: ref('nd_namespace') },
  entry: 'reserve',
  steps: {
    reserve: {
      does: 'Claim the first 8 KiB of the namespace, and map them.',
      fn: 'devm_nsio_enable',
      run(k, t) {
        const { name } = k.namespaces.at(t.device)
        const claim = { parent: IOMEM_RESOURCE, ...infoRange(k, t.device), name, flags: 0 }
        return t.call(__request_region, claim, 'read_info')
      },
    },
    read_info: {
      does: 'Ours? Then read the info block. Otherwise: could not reserve region, -EBUSY.',
      fn: 'nd_pfn_probe',
      run(k, t) {
        if (t.ret !== 0) return 'release'
        reserveFailed(k, t.device)
        return t.done(-EBUSY)
      },
    },
    release: {
      does: 'No info block: give the 8 KiB back. For a moment the range is nobody’s.',
      fn: 'devm_nsio_disable',
      run: (k, t) => t.call(__release_region, infoRange(k, t.device), 'attach'),
    },
    attach: {
      does: 'Claim the whole namespace, and bind.',
      fn: 'pmem_attach_disk',
      run: (_k, t) => t.call(pmem_attach_disk, { device: t.device }, 'attached'),
    },
    attached: {
      does: 'Bound, or -EBUSY.',
      run(k, t) {
        if (t.ret === -EBUSY) reserveFailed(k, t.device)
        return t.done(t.ret)
      },
    },
  },
})
