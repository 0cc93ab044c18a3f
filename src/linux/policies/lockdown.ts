import { policy } from '../../machine'

/** security_locked_down(), LOCKDOWN_DEV_MEM and LOCKDOWN_PCI_ACCESS (5.4). */
export const lockdown = policy({
  name: 'lockdown',
  question: 'Is the kernel locked down?',
  initial: 'none',
  values: {
    none: { title: 'no', says: 'Capabilities and file modes decide.' },
    integrity: {
      title: 'integrity',
      says: 'open() of /dev/mem and mmap() of PCI files give -EPERM, even to root.',
      source: { file: 'drivers/char/mem.c', fn: 'open_port', version: '6.12' },
    },
  },
})
