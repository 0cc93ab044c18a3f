import type { Kernel } from '../../kernel'

type Dev = ReturnType<Kernel['pciDevs']['at']>
type Host = ReturnType<Kernel['pciHosts']['at']>

/** A directory of sysfs: that of a device, or that of the root bus below a host bridge. */
export type Directory = { readonly dev: Dev['id'] } | { readonly host: Host['id'] }

/** The nodes in a directory. */
export const nodesIn = (k: Kernel, directory: Directory) =>
  k.kernfsNodes
    .rows()
    .filter((node) =>
      'dev' in directory ? node.dev === directory.dev : node.host === directory.host,
    )

/** The node of a name in a directory. */
export const kernfsNode = (k: Kernel, directory: Directory, name: string) =>
  nodesIn(k, directory).find((node) => node.name === name)

/** Where a file is, below /sys. */
export function pathOf(k: Kernel, directory: Directory, name: string): string {
  if ('host' in directory) {
    const { name: host } = k.pciHosts.at(directory.host)
    return `/devices/${host}/pci_bus/${host.replace('pci', '')}/${name}`
  }
  const dev = k.pciDevs.at(directory.dev)
  return `/devices/${k.pciHosts.at(dev.host).name}/${dev.name}/${name}`
}
