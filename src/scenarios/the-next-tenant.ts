import type { Kernel } from '../linux/kernel'
import { accessOf, BLOCK, bootPmem, entryOf, hasSignal, unbinds } from './dax-story'
import { byteAt, loads, stores } from './memory-story'
import { seedFile, seedMapping } from './pmem-machine'
import type { Scenario, Setup } from './scenario'

function build(setup: Setup): Kernel {
  const k = bootPmem(setup, {
    processes: [{ comm: 'tenant 1', pid: 4242 }],
    admins: ['root shell'],
  })
  const inode = seedFile(k, 'root shell', '/mnt/a', 4096)
  seedMapping(k, 'tenant 1', { inode, pages: 1, pgoff: 0, label: 'buf' })
  return k
}

const entry = (k: Kernel): string => entryOf(k, 'tenant 1', 'buf')
const isStale = (k: Kernel): boolean => entry(k) !== 'none'

/** W18 of the DAX sheet, to its end. */
export const theNextTenant: Scenario = {
  name: 'the-next-tenant',
  title: 'The next tenant’s memory',
  question:
    'The driver is unbound with a page still mapped, and the card is replaced by somebody else’s. What does the old mapping read and write now?',
  preset: 'v5.12',
  policies: ['removeNotify', 'rmapbt', 'filesystem'],
  params: {},
  simplified: [
    'A pmem card is replaced at the same physical addresses, in one step; all its bytes are the same two.',
    'What is mapped after the unbind was recorded on 6.12; that it reads another card follows from the code.',
  ],
  build,
  story: [
    {
      title: 'Tenant 1 writes its secret.',
      text: (_policies, k) => `Block 0x60400 has ${byteAt(k, BLOCK)}; the entry is ${entry(k)}.`,
      acts: [stores('tenant 1', 0xf1)],
    },
    {
      title: 'Root unbinds the driver.',
      text: (_policies, k) =>
        isStale(k)
          ? `The entry is ${entry(k)} now: the sync of the disk took the write bit, and nobody took the rest. The struct pages are gone.`
          : `The entry is gone${hasSignal(k, 'tenant 1') ? ', and the process has a signal pending' : ''}: ${k.policy.removeNotify === 'none' ? 'nobody was told, but it went with the sync' : 'the file system, or memory_failure(), unmapped it'}. The struct pages are gone too.`,
      acts: [unbinds('root shell')],
    },
    {
      title: 'The card is replaced, and bound.',
      text: (_policies, k) =>
        `Generation ${k.namespaces.at(1).gen}, struct pages of its own, and tenant 2’s key: ${byteAt(k, BLOCK)} in page 0x60400.`,
      acts: [
        { who: 'root shell', operation: 'replaceDevice', args: () => ({ device: 1, value: 0x7e }) },
        { who: 'root shell', operation: 'pmem_attach_disk', args: () => ({ device: 1 }) },
      ],
    },
    {
      title: 'Tenant 1 reads its mapping.',
      text: (_policies, k) =>
        isStale(k)
          ? `It ${accessOf(k, 'tenant 1')}: no fault, no signal, tenant 2’s key. Memory of another owner shows through an entry that nobody cleared.`
          : `It ${accessOf(k, 'tenant 1')}.`,
      evidence: (_policies, k) => (isStale(k) ? 'deduced' : undefined),
      acts: [loads('tenant 1')],
    },
    {
      title: 'And writes.',
      text: (_policies, k) =>
        `It ${accessOf(k, 'tenant 1')}: the entry was ${isStale(k) ? 'read-only, so the store faulted, and the old device is dead' : 'gone'}. Page 0x60400 has ${byteAt(k, BLOCK)}: what tenant 2 has stays as it is. Without the sync of the unbind it would not.`,
      evidence: (_policies, k) => (isStale(k) ? 'deduced' : undefined),
      acts: [stores('tenant 1', 0x33)],
    },
    {
      title: 'The read works still.',
      text: (_policies, k) =>
        `Tenant 1 ${accessOf(k, 'tenant 1')}. The failed store took nothing away.`,
      acts: [{ ...loads('tenant 1'), when: isStale }],
      evidence: 'deduced',
    },
  ],
}
