import { PTE } from '../linux/arch/x86/pgtable'
import { PG } from '../linux/include/page-flags'
import { removeDoneMeansUnheld } from '../linux/invariants/remove-done-means-unheld'
import { createKernel, type Kernel } from '../linux/kernel'
import { gup_fast_pin_once, remove_once } from '../linux/mm/gup-race'
import { policies } from '../linux/policies'
import { choosePolicies } from '../machine'
import type { Scenario, Setup } from './scenario'

const PFN = 0x60400
const VPN = 0x7f0000000

function build({ policies: chosen, params }: Setup): Kernel {
  const cpus = params['cpus'] ?? 2
  const k = createKernel({
    policy: choosePolicies(policies, chosen),
    operations: [gup_fast_pin_once, remove_once],
    invariants: [removeDoneMeansUnheld],
    sizes: {
      tasks: cpus + 1,
      depth: 1,
      mms: 1,
      vmas: 0,
      inodes: 0,
      pins: 0,
      resources: 0,
      log: 0,
      zones: 0,
      pipes: 0,
      stableNodes: 0,
    },
  })
  const device = k.namespaces.make({
    name: 'dax0.0',
    start: PFN,
    end: PFN + 1,
    driver: 'nd_pmem',
    gen: 1,
  })
  const pgmap = k.pgmaps.make({ start: PFN, end: PFN + 1, device: device.id, gen: 1 })
  const mm = k.mms.make({ comm: 'app', pid: 4242 })
  k.pages.fill(PFN, PFN + 1, { flags: PG.reserved, refcount: 2, pgmap: pgmap.id })
  k.ptes.in(mm.id).fill(VPN, VPN + 1, { pfn: PFN, flags: PTE.present | PTE.devmap, gen: 1 })
  for (let cpu = 0; cpu < cpus; cpu++) {
    const task = k.tasks.make({ name: `cpu${cpu}`, role: 'process', mm: mm.id })
    k.machine.start(task.id, gup_fast_pin_once, { vpn: VPN })
  }
  const remover = k.tasks.make({ name: 'remove', role: 'admin' })
  k.machine.start(remover.id, remove_once, { mm: mm.id, vpn: VPN, pfn: PFN, pgmap: pgmap.id })
  return k
}

/** The benchmark: exactly the model of GupRemove in TLA+ and Promela. */
export const gupFastVsRemove: Scenario = {
  name: 'gup-fast-vs-remove',
  title: 'gup-fast against remove()',
  question: 'CPUs pin a page while its driver goes: can one still hold it when remove() is done?',
  preset: 'v6.12',
  policies: ['removalZap'],
  params: { cpus: { title: 'CPUs that pin', initial: 2, min: 1, max: 8 } },
  simplified: [
    'One page, one reference a pin, one shared-memory access a step; memory is sequentially consistent.',
    'remove() waits for the page as it did from 5.2 to 5.17; from 5.18 on it waits for the pgmap alone.',
  ],
  build,
  identical: ({ params }) => [Array.from({ length: params['cpus'] ?? 2 }, (_, cpu) => `cpu${cpu}`)],
  story: [
    {
      title: 'A pin comes first.',
      text: 'cpu0 reads the entry, takes the pgmap, then the page. The remover can kill the pgmap at any moment.',
      acts: [{ who: 'cpu0', until: 'unpin' }],
    },
    {
      title: 'remove() comes.',
      text: ({ removalZap }) =>
        removalZap === 'zap'
          ? 'The pgmap is killed and the entry cleared, so nobody new can come; the page is still held, and remove() waits for it.'
          : 'The pgmap is killed; the entry stays. No pgmap reference is left, so remove() is done, while cpu0 still holds the page.',
      acts: [{ who: 'remove' }],
    },
    {
      title: 'A late walker finds nothing.',
      text: ({ removalZap }) =>
        removalZap === 'zap'
          ? 'cpu1 reads the entry after the zap: there is none, and it falls back to the slow path.'
          : 'cpu1 still finds the entry, but the pgmap is dead: no reference of it can be taken, and cpu1 falls back to the slow path.',
      acts: [{ who: 'cpu1' }],
    },
    {
      title: 'The last put.',
      text: ({ removalZap }) =>
        removalZap === 'zap'
          ? 'cpu0 drops its reference; page and pgmap are idle, and remove() is done.'
          : 'cpu0 drops its reference of a page whose device went long ago.',
      acts: [{ who: 'cpu0' }, { who: 'remove' }],
    },
  ],
}
