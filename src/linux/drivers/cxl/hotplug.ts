import { int, ref } from '../../../arena'
import type { Kernel } from '../../kernel'
import { printk } from '../../kernel/printk'
import { operation } from '../../operation'
import { device_release_region } from './region'
import { cxl_region_decode_reset } from './region-program'
import { decodersOf } from './topology'
import { decodersIdle, endWhenGone } from './users'

const refuseMissing = (k: Kernel, memdev: number): string | undefined =>
  k.cxlMemdevs.isLive(memdev) ? undefined : 'There is no such device.'

const onMemdev = (label: string, wanted: (k: Kernel, memdev: number) => string | undefined) => ({
  label,
  on: ['cxl_memdev'],
  by: 'admin' as const,
  args: (k: Kernel, { id }: { id: number }) => ({ memdev: k.cxlMemdevs.at(id).id }),
  refuse: (k: Kernel, { memdev }: { memdev: number }) =>
    refuseMissing(k, memdev) ?? wanted(k, memdev),
})

/** §6.3 of the DAX sheet, U1, surprise: no function of the kernel runs. */
export const pullCable = operation({
  name: 'pullCable',
  does: 'The link of a device goes down. Loads get no data, stores are dropped.',
  source: {
    file: 'Documentation/driver-api/cxl',
    fn: 'link down',
    version: 'CXL 3.x',
    evidence: 'memory',
    note: 'What a load gets is platform dependent: all-ones, poison, or a machine check.',
  },
  leftOut: 'Isolation, which lets the root port answer for the device.',
  start: onMemdev('Pull it out', (k, memdev) =>
    k.cxlMemdevs.at(memdev).link === 'up' ? undefined : 'The link is down already.',
  ),
  params: { memdev: ref('cxl_memdev') },
  entry: 'down',
  steps: {
    down: {
      does: 'The link is down. The decoders of the host bridge do not know it.',
      fn: 'link down',
      run(k, t) {
        k.cxlMemdevs.at(t.memdev).link = 'down'
        return t.done(0)
      },
    },
  },
})

/** §6.3 of the DAX sheet, U3, surprise: the decoders first, then those who use the memory. */
export const cxl_decoder_kill_region = operation({
  name: 'cxl_decoder_kill_region',
  does: 'An endpoint decoder goes: the region is reset, detached, and only then its consumers are unbound.',
  source: { file: 'drivers/cxl/core/region.c', fn: 'cxl_decoder_kill_region', version: '6.12' },
  leftOut: 'cxl_region_rwsem, which is dropped while the region driver is unbound.',
  params: { decoder: ref('cxl_decoder') },
  locals: { region: ref('cxl_region') },
  entry: 'kill',
  steps: {
    kill: {
      does: 'The mode of the decoder is DEAD: nobody can attach it any more.',
      run(k, t) {
        const decoder = k.cxlDecoders.at(t.decoder)
        decoder.mode = 'dead'
        t.region = decoder.region
        return t.region === 0 ? t.done(0) : 'decode_reset'
      },
    },
    decode_reset: {
      does: 'A region that decodes is reset now: the HPA range stops working while it is still in use.',
      fn: 'cxl_region_detach',
      run(k, t) {
        const { state } = k.cxlRegions.at(t.region)
        if (state !== 'COMMIT' && state !== 'RESET_PENDING') return 'detach'
        return t.call(cxl_region_decode_reset, { region: t.region }, 'detach')
      },
    },
    detach: {
      does: 'The target leaves the set: state INTERLEAVE_ACTIVE.',
      fn: 'cxl_port_detach_region',
      when: decodersIdle,
      run(k, t) {
        const region = k.cxlRegions.at(t.region)
        const decoder = k.cxlDecoders.at(t.decoder)
        region.state = 'INTERLEAVE_ACTIVE'
        Object.assign(decoder, { region: 0, pos: -1, dpa_base: 0, dpa_size: 0 })
        return t.call(device_release_region, { region: t.region }, 'done')
      },
    },
    done: {
      does: 'The region driver is gone, and what it had made: memory that was still online is leaked.',
      fn: 'device_release_driver',
      run: (_k, t) => t.done(0),
    },
  },
})

/** §6.3 of the DAX sheet, U2, surprise. */
export const pciehp_unconfigure_device = operation({
  name: 'pciehp_unconfigure_device',
  does: 'The slot is empty: the PCI function is disconnected, its driver unbound, the memory device gone.',
  source: {
    file: 'drivers/pci/hotplug/pciehp_pci.c',
    fn: 'pciehp_unconfigure_device',
    version: '6.12',
  },
  leftOut: 'The PCI core’s own locks, other functions of the card, and mailbox commands in flight.',
  via: ['pciehp_disable_slot', 'pciehp_ist'],
  start: onMemdev('pciehp: remove it', (k, memdev) =>
    k.cxlMemdevs.at(memdev).endpoint === 0 ? 'It is gone already.' : undefined,
  ),
  params: { memdev: ref('cxl_memdev') },
  entry: 'disconnect',
  steps: {
    disconnect: {
      does: 'Mark the device disconnected where the link is down: config reads return all-ones.',
      fn: 'pci_dev_set_disconnected',
      run(k, t) {
        const memdev = k.cxlMemdevs.at(t.memdev)
        memdev.disconnected = memdev.link === 'down' ? 1 : 0
        return 'unbind'
      },
    },
    unbind: {
      does: 'Stop and remove the PCI function: cxl_pci is unbound, and the memdev unregistered.',
      fn: 'pci_stop_and_remove_bus_device',
      run(k, t) {
        k.cxlMemdevs.at(t.memdev).driver = 'none'
        return 'kill_decoders'
      },
    },
    kill_decoders: {
      does: 'The endpoint port is unregistered: each of its decoders takes its region along.',
      fn: 'cxld_unregister',
      run(k, t) {
        const { endpoint } = k.cxlMemdevs.at(t.memdev)
        const next = decodersOf(k, endpoint).find(({ mode }) => mode === 'ram' || mode === 'pmem')
        if (next === undefined) return 'gone'
        return t.call(cxl_decoder_kill_region, { decoder: next.id }, 'kill_decoders')
      },
    },
    gone: {
      does: 'The endpoint is gone. The slot can be powered off, and another card put in.',
      fn: 'delete_endpoint',
      run(k, t) {
        const memdev = k.cxlMemdevs.at(t.memdev)
        memdev.endpoint = 0
        memdev.link = 'down'
        memdev.disconnected = 0
        return t.done(0)
      },
    },
  },
})

/** §6.3 of the DAX sheet, the last paragraph: another card in the same slot. */
export const pciehp_configure_device = operation({
  name: 'pciehp_configure_device',
  does: 'Another card is in the slot: a new generation, with memory of its own, and decoders at reset.',
  source: {
    file: 'drivers/pci/hotplug/pciehp_pci.c',
    fn: 'pciehp_configure_device',
    version: '6.12',
  },
  leftOut: 'Enumeration of the PCI function, and the mailbox by which the device describes itself.',
  via: ['pciehp_enable_slot', 'pciehp_ist'],
  start: {
    ...onMemdev('Put another card in', () => undefined),
    args: (k, { id }) => ({ memdev: k.cxlMemdevs.at(id).id, page: 0, value: 0x7e }),
    refuse: (k, { memdev, page, value }) => {
      if (refuseMissing(k, memdev) !== undefined) return refuseMissing(k, memdev)
      const { driver, ram_size } = k.cxlMemdevs.at(memdev)
      if (driver !== 'none') return 'There is a card in the slot.'
      if (page < 0 || page >= ram_size / 4096) return 'The card has no such page.'
      return value >= 0 && value <= 0xff ? undefined : 'A byte is from 0 to 255.'
    },
  },
  params: { memdev: ref('cxl_memdev'), page: int(), value: int() },
  entry: 'link_up',
  steps: {
    link_up: {
      does: 'The link comes up. What the card holds, somebody else has written.',
      fn: 'pciehp_check_link_status',
      run(k, t) {
        const memdev = k.cxlMemdevs.at(t.memdev)
        memdev.gen += 1
        memdev.serial += 1
        memdev.link = 'up'
        const media = k.cxlMedia.in(t.memdev)
        media.clear(0, memdev.ram_size / 4096)
        media.fill(t.page, t.page + 1, { value: t.value, rest: t.value })
        return 'probe'
      },
    },
    probe: {
      does: 'cxl_pci binds and registers the memdev and its endpoint port: all decoders are at reset.',
      fn: 'devm_cxl_add_endpoint',
      run(k, t) {
        const memdev = k.cxlMemdevs.at(t.memdev)
        memdev.driver = 'cxl_pci'
        const port = k.cxlPorts.rows().find((each) => each.memdev === t.memdev)
        if (port === undefined) return t.done(0)
        memdev.endpoint = port.id
        port.commit_end = -1
        for (const decoder of decodersOf(k, port.id)) Object.assign(decoder, AT_RESET)
        printk(k, `cxl_mem ${memdev.name}: endpoint ${port.name} added, card ${memdev.serial}`)
        return t.done(0)
      },
    },
  },
})

const AT_RESET = {
  hpa_base: 0,
  size: 0,
  ways: 1,
  granularity: 0,
  enabled: 0,
  committed: 0,
  region: 0,
  mode: 'none',
  dpa_base: 0,
  dpa_size: 0,
  pos: -1,
} as const

endWhenGone('region', [cxl_decoder_kill_region])
