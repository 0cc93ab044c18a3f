import { isDevicePrivate } from '../linux/arch/x86/pgtable'
import type { Kernel } from '../linux/kernel'
import { bootGpuMachine } from './gpu-machine'
import { areaAt, byteAt, counters, mappedBy, pageName, seedBuffer } from './memory-story'
import type { Beat, Scenario, Setup } from './scenario'

function build(setup: Setup): Kernel {
  const k = bootGpuMachine(
    setup,
    { processes: [{ comm: 'app', pid: 4242 }], admins: ['root shell'] },
    { type: 'PRIVATE' },
  )
  seedBuffer(k, 'app', 0x53)
  return k
}

/** `dying, ref 1`: the pgmap of the device. */
function pgmapOf(k: Kernel): string {
  const { state, ref } = k.pgmaps.at(k.dmirrors.at(1).pgmap)
  return state === 'exited' ? 'gone' : `${state}, ref ${ref.toLocaleString('en')}`
}

/** The page that the device-private entry of the buffer names; undefined where the buffer is elsewhere. */
function pageOnDevice(k: Kernel): number | undefined {
  const ptes = k.ptes.in(1)
  const vpn = areaAt(k)
  return ptes.has(vpn) && isDevicePrivate(ptes.at(vpn)) ? ptes.at(vpn).pfn : undefined
}

const isRemoved = (k: Kernel): boolean => k.dmirrors.at(1).resource === 0

const hasOops = (k: Kernel): boolean =>
  k.log.find(({ line }) => line.startsWith('BUG:')) !== undefined

const afterMove: Readonly<Record<string, string>> = {
  extra: 'one reference is the device’s own, as on every page of it, and one the entry’s',
  reset: 'the entry has taken over the one reference that an idle page has too',
  zero: 'an idle page counts 0, and this one is the entry’s. The page in use holds a reference of the pgmap',
}

function afterUnbind(k: Kernel): string {
  const page = pageOnDevice(k)
  const back = mappedBy(k, 'app')
  if (!isRemoved(k))
    return `memunmap_pages() waits: the pgmap is ${pgmapOf(k)}, and that reference goes with the last put of ${pageName(page)}. Nobody asks the process to let go; the shell hangs in the unbind as long as it likes.`
  if (page !== undefined)
    return `The unbind is done, and waited for nothing: the struct pages are gone, while the entry still names ${pageName(page)}.`
  return `Before its memory goes, the driver looks for pages in use, by pfn, and migrates them: the buffer is in ordinary ${pageName(back)} again, and holds ${byteAt(k, back)}. Then memunmap_pages() has nothing to wait for.`
}

function afterExit(k: Kernel): string {
  if (hasOops(k))
    return 'The exit clears the entry, and looks for the struct page that it names, to put it. There is none: the kernel oopses. 6.1 mended it, with the series that also closed CVE-2022-3523.'
  return isRemoved(k)
    ? 'The exit frees an ordinary page. Nothing of the device is left in it.'
    : 'The exit puts the page: it was the last reference. The pgmap has none left, and the unbind can go on.'
}

/** What kernels before 6.1 make of it is deduced: nobody has recorded it, and the sheet has no row for it. */
const evidence: Beat['evidence'] = (policies) =>
  policies['devicePageCount'] === 'zero' ? undefined : 'deduced'

/** Row 3 of §1.5 of the DAX sheet, for memory that pages migrate to. */
export const aPageOnTheGpu: Scenario = {
  name: 'a-page-on-the-gpu',
  title: 'A page lives on the GPU; the driver is unbound',
  question:
    'A process has a page in the memory of a GPU, which no CPU can address. The driver is unbound: does it wait for the page, bring it back, or pull it away?',
  preset: 'v6.12',
  policies: ['devicePageCount', 'deviceEvict'],
  params: {},
  simplified: [
    'The driver is that of lib/test_hmm.c, which is of 5.8, and evicts from 6.1 on. Earlier kernels are shown as they would have treated such a driver; that is deduced. What the module keeps in ordinary memory is here in the page of the device.',
    'That 5.18 to 6.0 free the struct pages of a page in use is read from the commits that changed it.',
  ],
  build,
  story: [
    {
      title: 'The process moves its buffer to the GPU.',
      text: (policies, k) => {
        const page = pageOnDevice(k)
        return `The driver takes ${pageName(page)} from its free list, copies the bytes, and the entry becomes a device-private one: to the CPU a kind of swap entry, which names the page. It counts ${counters(k, page)}: ${afterMove[policies['devicePageCount'] ?? ''] ?? ''}. The pgmap is ${pgmapOf(k)}.`
      },
      acts: [
        {
          who: 'app',
          operation: 'dmirror_migrate_to_device',
          args: (k) => ({ vpn: areaAt(k), device: 1 }),
        },
      ],
    },
    {
      title: 'The CPU reads the buffer.',
      text: (_policies, k) =>
        `The entry is not present: a fault, and migrate_to_ram() of the driver brings the page back, to ordinary ${pageName(mappedBy(k, 'app'))}. The read gives ${byteAt(k, mappedBy(k, 'app'))}. The device’s page is idle again: ${counters(k, k.dmirrors.at(1).start)}, the pgmap ${pgmapOf(k)}.`,
      acts: [{ who: 'app', operation: 'userLoad', args: (k) => ({ vpn: areaAt(k) }) }],
    },
    {
      title: 'It goes to the GPU once more, and the driver is unbound.',
      evidence,
      text: (_policies, k) => afterUnbind(k),
      acts: [
        {
          who: 'app',
          operation: 'dmirror_migrate_to_device',
          args: (k) => ({ vpn: areaAt(k), device: 1 }),
        },
        { who: 'root shell', operation: 'dmirror_device_remove', args: () => ({ device: 1 }) },
      ],
    },
    {
      title: 'The process exits.',
      evidence,
      text: (_policies, k) => afterExit(k),
      acts: [{ who: 'app', operation: 'do_exit' }],
    },
    {
      title: 'What is left.',
      evidence,
      text: (_policies, k) =>
        `The pgmap is ${pgmapOf(k)}, and the addresses of the device are ${isRemoved(k) ? 'free' : 'still claimed'}.${hasOops(k) ? ' After its oops a kernel would not have gone on with this thread; the simulation lets it.' : ''}`,
      acts: [{ who: 'root shell' }],
    },
  ],
}
