import { choice, int, ref, struct, text, wide } from '../../arena'

/** struct pci_host_bridge, with its root bus. */
export const PciHostBridge = struct('pci_host_bridge', {
  name: text('As below /sys/devices.'),
  probe: choice(
    ['subsys', 'async', 'dependency'],
    'Who enumerates it: an initcall of level 4, an asynchronous probe, or a worker that a cleared ACPI dependency has queued.',
  ),
  queued: int(0, 'Its probe may begin.'),
  listed: int(0, 'Its bus is on pci_root_buses: pci_find_next_bus() finds it.'),
  probed: int(0, 'Its probe is over.'),
  legacy: int(0, 'The architecture has legacy_io and legacy_mem (HAVE_PCI_LEGACY).'),
})

/** struct pci_dev: a function of a device, in its slot or not. */
export const PciDev = struct('pci_dev', {
  name: text('Domain, bus, device and function.'),
  host: ref('pci_host_bridge', 'The host bridge above it.'),
  hotplug: int(0, 'It is not there at boot: its slot finds it.'),
  on_bus: int(0, 'On bus->devices.'),
  klist: int(0, 'Place in the klist that for_each_pci_dev() walks; 0: not in it.'),
  added: int(0, 'PCI_DEV_ADDED: pci_bus_add_device() is done with it.'),
  stopping: int(0, 'pci_stop_dev() is at work on it, or was.'),
  procent: int(0, 'Its file in /proc/bus/pci is there.'),
})

/** One of resource[], res_attr[] and res_attr_wc[] of a struct pci_dev. Empty BARs have no row. */
export const PciBar = struct('pci_bar', {
  dev: ref('pci_dev', 'Whose.'),
  number: int(0, 'Index: 0 to 5.'),
  start: wide(0, 'First bus address.'),
  length: wide(0, 'Bytes.'),
  prefetch: int(0, 'IORESOURCE_PREFETCH.'),
  res_attr: ref('bin_attribute', 'The attribute of resourceN; stays when that is freed.'),
  res_attr_wc: ref('bin_attribute', 'The attribute of resourceN_wc.'),
})
