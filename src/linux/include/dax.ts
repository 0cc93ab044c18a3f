import { choice, int, ref, struct, text, wide } from '../../arena'

/** struct dax_device (drivers/dax/super.c). */
export const DaxDevice = struct('dax_device', {
  alive: int(1, 'DAXDEV_ALIVE: cleared by kill_dax().'),
  holder: ref(
    'super_block',
    'Who is told of failures; NULL where the file system registers nothing.',
  ),
  srcu_readers: int(0, 'Readers inside dax_read_lock().'),
  device: ref('nd_namespace', 'The namespace under it.'),
})

/** A pmem namespace: struct nd_namespace_io, and what the driver keeps while it is bound. */
export const NdNamespace = struct('nd_namespace', {
  name: text('As in /sys/bus/nd/devices.'),
  blockdev: text('Name of the disk while the driver is bound.'),
  start: wide(0, 'First pfn of its resource.'),
  end: wide(0, 'The pfn behind the last.'),
  mode: choice(['fsdax', 'devdax'], 'A disk for a file system with DAX, or a character device.'),
  align: int(512, 'Pages that one entry of a device-dax mapping covers: 512, or 1.'),
  driver: choice(['none', 'nd_pmem', 'device_dax'], 'The driver that is bound.'),
  device_lock: ref('task_struct', 'Who holds device_lock(): binds or unbinds it.'),
  bios: int(0, 'q_usage_counter, as far as bios in flight go.'),
  gen: int(0, 'Which binding of which card it is; not in the kernel.'),
  resource: ref('resource', 'The claim in the iomem tree.'),
  pgmap: ref('dev_pagemap', 'Its pages.'),
  dax: ref('dax_device', 'Its DAX side.'),
  desc: choice(['PERSISTENT_MEMORY', 'PERSISTENT_MEMORY_LEGACY'], 'How firmware named the range.'),
})
