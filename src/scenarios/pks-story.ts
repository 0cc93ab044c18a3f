import { contextOf, pksOf, threadOf } from '../linux/arch/x86/mm/pkeys'
import { pkrsText } from '../linux/arch/x86/pkeys'
import type { Kernel } from '../linux/kernel'
import { localCall } from '../linux/mm/highmem'
import { PMEM } from './pks-machine'
import type { Act } from './scenario'

/** The page that stories are about, and another one that stray pointers hit. */
export const PAGE = PMEM.start + 1
export const OTHER = PMEM.start + 2

export const NO_SUCH_KERNEL =
  'No released kernel has protection keys for supervisor pages: the three postings are told from their patches.'
export const ANALYSIS =
  'This was found by reading the patches: analysis, no public report is known.'
export const ONE_BYTE = 'One byte stands for a page.'

const taskOf = (k: Kernel, who: string): number => k.tasks.find(({ name }) => name === who)?.id ?? 0

/** True if a thread, or the handler on a CPU, can do something now. */
const canAct = (who: string) => (k: Kernel) => typeof contextOf(k, taskOf(k, who)) !== 'string'

const isUp = (k: Kernel): boolean => pksOf(k).panicked === 0

/** The mapping that somebody made last. */
const mappingOf = (k: Kernel, owner: string): number => {
  const task = taskOf(k, owner)
  return k.kernelMappings.rows().findLast((mapping) => mapping.task === task)?.id ?? 0
}

/** A mapping for the thread itself, by whatever call its kernel has for that. */
export const mapsForItself = (who: string, pfn: number): Act => ({
  who,
  operation: 'kmapPage',
  args: (k) => ({ pfn, by: localCall(k), global: 0 }),
  when: canAct(who),
})

/** A mapping that others are to use as well. */
export const mapsForAll = (who: string, pfn: number): Act => ({
  who,
  operation: 'kmapPage',
  args: (k) => ({ pfn, by: callForAll(k), global: 1 }),
  when: canAct(who),
})

/** The call for a pointer that is handed over. */
export const callForAll = ({ policy }: Kernel): string =>
  policy.pks === 'rfc2020' && policy.kmapOption === 'kmapGlobal' ? 'kmap_global' : 'kmap'

/** kmap(), whatever it means now: code that nobody has looked at. */
export const mapsAsEver = (who: string, pfn: number): Act => ({
  who,
  operation: 'kmapPage',
  args: () => ({ pfn, by: 'kmap', global: 0 }),
  when: canAct(who),
})

export const unmaps = (who: string, owner = who): Act => ({
  who,
  operation: 'kunmapPage',
  args: (k) => ({ mapping: mappingOf(k, owner) }),
  when: (k) => canAct(who)(k) && mappingOf(k, owner) !== 0,
})

/** A write by the pointer of a mapping that `owner` made. */
export const writesBy = (who: string, owner: string, pfn: number, value: number): Act => ({
  who,
  operation: 'kernelStore',
  args: (k) => ({ pfn, value, mapping: mappingOf(k, owner) }),
  when: (k) => canAct(who)(k) && mappingOf(k, owner) !== 0,
})

/** A write by a pointer that came from nowhere. */
export const strays = (who: string, pfn: number, value: number): Act => ({
  who,
  operation: 'kernelStore',
  args: () => ({ pfn, value, mapping: 0 }),
  when: canAct(who),
})

export const reads = (who: string, pfn: number): Act => ({
  who,
  operation: 'pmemRead',
  args: () => ({ pfn }),
  when: canAct(who),
})

export const interrupts = (who: string, kind: 'irq' | 'nmi'): Act => ({
  who,
  operation: 'irqentry_enter',
  args: () => ({ kind }),
  when: isUp,
})

export const returns = (who: string): Act => ({ who, operation: 'irqentry_exit', when: isUp })

/** A tick gives the CPU to another thread, if that lives and runs nowhere. */
export const preempts = (who: string, next: string): Act => ({
  who,
  operation: '__schedule',
  args: (k) => ({ next: taskOf(k, next) }),
  when: (k) => isUp(k) && canBegin(k, next) && !isAtomic(k, who),
})

/** True if a CPU is in an atomic section, which no tick interrupts. */
export const isAtomic = (k: Kernel, cpu: string): boolean =>
  k.cpus.find(({ name, preempt_count }) => name === cpu && preempt_count > 0) !== undefined

/** The thread sleeps, and another one runs. */
export const sleeps = (who: string, next: string): Act => ({
  ...preempts(who, next),
  when: (k) => canAct(who)(k) && canBegin(k, next),
})

const canBegin = (k: Kernel, next: string): boolean => {
  const task = taskOf(k, next)
  return (
    threadOf(k, task)?.dead === 0 && k.cpus.find(({ current }) => current === task) === undefined
  )
}

const byteOf = (k: Kernel, pfn: number): number =>
  k.contents.has(pfn) ? k.contents.at(pfn).value : 0

const byteText = (value: number): string => `0x${value.toString(16).padStart(2, '0')}`
export const byteIn = (k: Kernel, pfn: number): string => byteText(byteOf(k, pfn))

export const isDead = (k: Kernel, who: string): boolean => threadOf(k, taskOf(k, who))?.dead === 1

/** How a write ended: `lands`, or what became of the writer. */
export function fate(k: Kernel, who: string, pfn: number, value: number): string {
  if (pksOf(k).panicked === 1) return 'is an oops in a handler, so a panic: the machine stops'
  const thread = threadOf(k, taskOf(k, who))
  if (thread?.dead !== 1) return byteOf(k, pfn) === value ? 'lands' : 'does not come'
  if (thread.oops_pfn !== pfn) return `does not come: ${who} was killed before`
  return `is a page fault, error code 0x${thread.error_code.toString(16)}, and an oops: ${who} is killed`
}

/** `PKRS of CPU0 is fffffff0`; nothing to be said where keys are not checked. */
export function registerText(k: Kernel, number: number): string {
  const cpu = k.cpus.at(number + 1)
  const value = pkrsText(cpu.msr_pkrs)
  return cpu.cr4_pks === 0 ? `${cpu.name} checks no key` : `PKRS of ${cpu.name} is ${value}`
}

export const savedText = (k: Kernel, who: string): string => {
  const thread = threadOf(k, taskOf(k, who))
  return thread === undefined ? 'nothing' : pkrsText(thread.pkrs)
}

/** The meter. */
export function costText(k: Kernel): string {
  const { writes, skipped, ipis, faults } = pksOf(k)
  return `Counted so far: PKRS writes ${writes}, saved by the cache ${skipped}, IPIs ${ipis}, faults by a key ${faults}.`
}

/** The last line of the log, quoted, or that there is none. */
export const lastLine = (k: Kernel): string => {
  const line = k.log.rows().at(-1)?.line
  return line === undefined ? 'The log says nothing.' : `The log says “${line}”.`
}
