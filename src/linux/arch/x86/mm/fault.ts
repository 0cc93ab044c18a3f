import { int, ref, wide } from '../../../../arena'
import type { Kernel } from '../../../kernel'
import { printk } from '../../../kernel/printk'
import { bytesOf, storeByte } from '../../../mm/contents'
import { hasMapping, hasWindow, isOpen, isRightful } from '../../../mm/highmem-rights'
import { operation } from '../../../operation'
import { enterException, leaveException } from '../entry/common'
import { faultCode, isDenied, rightsOf, withRights } from '../pkeys'
import {
  type Context,
  closedRights,
  here,
  inSeries,
  notRunning,
  opened,
  pksOf,
  running,
  stackOf,
} from './pkeys'

interface Access {
  readonly task: { readonly id: number; value: number; readonly name: string }
  readonly pfn: number
  readonly value: number
  readonly mapping: number
}

/** Error code of a page fault where there is no entry. */
const notPresent = (write: boolean): number => (write ? 0x2 : 0)

/** The check of the hardware: the bits of the register for the key in the entry. */
function isStopped(k: Kernel, { cpu }: Context, pfn: number, write: boolean): boolean {
  if (cpu.cr4_pks === 0) return false
  const rights = rightsOf(cpu.msr_pkrs, k.directMap.at(pfn).pkey)
  return isDenied(rights, write, cpu.cr0_wp === 1)
}

/** The bytes change. Of pmem, the simulation notes what should not have been written. */
function store(k: Kernel, context: Context, t: Access): void {
  const { pfn, value, mapping, task } = t
  const was = bytesOf(k, pfn).value
  storeByte(k, pfn, value, {})
  if (!k.pages.has(pfn) || k.pages.at(pfn).pgmap === 0) return
  const unmapped = hasMapping(k, { context, task: task.id, pfn, mapping }) ? 0 : 1
  const windowless = hasWindow(k, context, task.id) ? 0 : 1
  const guarded = k.directMap.at(pfn).pkey === 0 ? 0 : 1
  if (unmapped === 0 && (windowless === 0 || guarded === 0)) {
    k.unguarded.clear(pfn, pfn + 1)
    return
  }
  const writer = k.tasks.at(task.id).id
  k.unguarded.fill(pfn, pfn + 1, { writer, value, was, unmapped, windowless, guarded })
}

function load(k: Kernel, { pfn, task }: Access): void {
  task.value = bytesOf(k, pfn).value
}

/** What the handler makes of a key fault: rights for the frame, or nothing where it is an oops. */
function rightsAfter(k: Kernel, global: number): 'fix' | 'oops' {
  const pks = pksOf(k)
  switch (k.policy.pks) {
    case 'rfc2020':
      return rightsOf(global, pks.key) === closedRights(k) ? 'oops' : 'fix'
    case 'v7':
      if (rightsOf(pks.allowed_mask, pks.key) === 0) return 'fix'
      return k.policy.pksFault === 'strict' ? 'oops' : 'fix'
    case 'v10':
      return k.policy.pksFault === 'strict' ? 'oops' : 'fix'
    case 'none':
      return 'oops'
    default:
      return k.policy.pks satisfies never
  }
}

function warnOnce(k: Kernel): void {
  const pks = pksOf(k)
  if (pks.warned === 1) return
  pks.warned = 1
  printk(k, 'WARNING: page map protection disabled')
}

/** PF3: what the frame, and after 2020 more than the frame, is given. */
function relax(k: Kernel, { cpu, thread }: Context, global: number): void {
  const frame = stackOf(k, cpu.id).at(-1)
  const pks = pksOf(k)
  if (frame === undefined) return
  if (k.policy.pks === 'rfc2020') {
    frame.pkrs = (frame.pkrs & global) >>> 0
    return
  }
  warnOnce(k)
  if (k.policy.pks === 'v7') {
    pks.allowed_mask = withRights(pks.allowed_mask, pks.key, 0)
    frame.pkrs = (frame.pkrs & pks.allowed_mask) >>> 0
    return
  }
  thread.pkrs = opened(k, thread.pkrs)
  frame.pkrs = opened(k, frame.pkrs)
}

/** The end of the thread; in a handler, of the machine. */
function oops(k: Kernel, context: Context, t: Access, code: number): void {
  const { cpu, thread, level } = context
  const what = (code & 1) === 0 ? 'unable to handle page fault' : 'protection keys violation'
  const hex = code.toString(16).padStart(4, '0')
  printk(k, `BUG: ${what}, page 0x${t.pfn.toString(16)}, error_code(0x${hex}): ${t.task.name}`)
  const rightful = isRightful(k, { context, task: t.task.id, pfn: t.pfn, mapping: t.mapping })
  if (level > 0) {
    printk(k, 'Kernel panic - not syncing: Fatal exception in interrupt')
    pksOf(k).panicked = 1
  }
  thread.dead = 1
  thread.error_code = code
  thread.oops_pfn = t.pfn
  thread.rightful = rightful ? 1 : 0
  const frame = stackOf(k, cpu.id).at(-1)
  if (frame?.kind !== 'fault') return
  cpu.irqs_off = frame.irqs_off
  k.pkrsFrames.free(frame.id)
}

/** What kernel code does: not a function of the kernel, but the instruction that may fault. */
const accessOperation = (name: string, write: boolean) =>
  operation({
    name,
    does: `Kernel code ${write ? 'writes to' : 'reads from'} a page by its direct map address.`,
    source: inSeries('arch/x86/mm/fault.c', 'do_kern_addr_fault'),
    leftOut:
      'Two bytes stand for a page. Instruction fetches, user pages, DMA and other kernel aliases are not checked by the hardware, and not simulated.',
    start: {
      label: write ? 'A stray pointer writes here' : 'Read it',
      on: ['direct_map', 'cpu'],
      by: 'admin',
      args: (k, { key }) => ({
        pfn: key ?? k.pgmaps.find(() => true)?.start ?? 0,
        value: write ? 0xbd : 0,
        mapping: 0,
      }),
      refuse(k, { pfn, value, mapping }, task) {
        const why = notRunning(k, task)
        if (why !== undefined) return why
        if (pfn < 0 || pfn >= 2 ** 40) return 'Page frames have 40 bits.'
        if (mapping !== 0 && !isOpen(k, mapping)) return 'There is no such mapping.'
        return value >= 0 && value <= 0xff ? undefined : 'A byte is from 0 to 255.'
      },
    },
    params: { pfn: wide(), value: int(), mapping: ref('kernel_mapping') },
    locals: { global: wide() },
    entry: 'access',
    steps: {
      access: {
        does: 'The CPU looks at the key in the entry and at its PKRS: it goes through, or is a page fault.',
        fn: `kernel ${write ? 'store' : 'load'}`,
        when: running,
        run(k, t) {
          const context = here(k, t)
          if (!k.directMap.has(t.pfn)) {
            oops(k, context, t, notPresent(write))
            return t.done(-1)
          }
          if (isStopped(k, context, t.pfn, write)) return 'enter'
          if (write) store(k, context, t)
          else load(k, t)
          return t.done()
        },
      },
      enter: {
        does: 'Page fault, error code 0x23 for a write and 0x21 for a read: save the rights, begin with none.',
        fn: 'irq_save_set_pkrs',
        when: running,
        run(k, t) {
          pksOf(k).faults += 1
          enterException(k, here(k, t).cpu, 'fault')
          return 'judge'
        },
      },
      judge: {
        does: '2020: does the global value allow it? 2021 and 2022: does pks_fault_mode? Otherwise it is an oops.',
        fn: 'handle_pkey_fault',
        when: running,
        run(k, t) {
          t.global = pksOf(k).pkrs_global_cache
          return rightsAfter(k, t.global)
        },
      },
      fix: {
        does: '2020: give the frame the global rights. 2021: give the key up for the whole system. 2022: open it for this thread, and warn once.',
        fn: 'pgmap_pks_fault_callback',
        when: running,
        run(k, t) {
          relax(k, here(k, t), t.global)
          return 'leave'
        },
      },
      leave: {
        does: 'Return from the exception with these rights, and try again.',
        fn: 'irq_restore_pkrs',
        when: running,
        run(k, t) {
          leaveException(k, here(k, t).cpu)
          return 'access'
        },
      },
      oops: {
        does: 'The access is not allowed: an oops. The thread is killed; in a handler the machine stops.',
        fn: 'kernelmode_fixup_or_oops',
        when: running,
        run(k, t) {
          oops(k, here(k, t), t, faultCode(write))
          return t.done(-1)
        },
      },
    },
  })

export const kernelStore = accessOperation('kernelStore', true)
export const kernelLoad = accessOperation('kernelLoad', false)
