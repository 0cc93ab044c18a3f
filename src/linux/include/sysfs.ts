import { choice, int, ref, struct, text } from '../../arena'

/** struct bin_attribute (include/linux/sysfs.h). Its name lies in the same allocation. */
export const BinAttribute = struct('bin_attribute', {
  name: text('The file’s name; to read it after kfree() is a use after free.'),
  dev: ref('pci_dev', 'private: the device; NULL for static attributes, which all devices share.'),
  owner: ref('task_struct', 'Who allocated it; not in the kernel.'),
  mapping: choice(
    ['none', 'iomem_inode', 'iomem_get_mapping'],
    'None: the file has a mapping of its own. Then the mapping itself, or the function that gives it.',
  ),
  frees: int(0, 'How often kfree() was called with it: 0 is live, 2 is a double free.'),
})

/** struct kernfs_node: a file in the directory of a device or of a bus. */
export const KernfsNode = struct('kernfs_node', {
  name: text('The file’s name.'),
  dev: ref('pci_dev', 'The device whose directory it is in.'),
  host: ref('pci_host_bridge', 'Or the host bridge, whose bus has legacy files.'),
  attr: ref('bin_attribute', 'What opening and mapping it works with.'),
})

/** struct kernfs_open_file: somebody has a file open. */
export const KernfsOpenFile = struct('kernfs_open_file', {
  task: ref('task_struct', 'Who.'),
  attr: ref('bin_attribute', 'The attribute behind the file.'),
  f_mapping: choice(
    ['own', 'iomem_inode'],
    'Where its mappings are linked: only what is in that of iomem_inode is revoked.',
  ),
})
