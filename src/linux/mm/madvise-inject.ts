import { int, wide } from '../../arena'
import { EFAULT, EOPNOTSUPP } from '../include/errno'
import { MF } from '../include/mm'
import type { Kernel } from '../kernel'
import { operation } from '../operation'
import { headOf } from './folio'
import { get_user_pages_fast } from './gup'
import { ownHandle } from './gup-count'
import { hold } from './holders'
import { memory_failure } from './memory-failure'
import { vma_lookup } from './rmap'
import { soft_offline_page } from './soft-offline'

/** The one page of a GUP call becomes a plain reference: the caller keeps no handle. */
function takePage(k: Kernel, handle: number): number {
  const { pfn } = k.pinned.in(handle).at(0)
  k.pinned.in(handle).clear(0, 1)
  k.pinHandles.free(handle)
  hold(k, headOf(k, pfn), 'tmp')
  return pfn
}

const ADVICE = {
  madviseHwpoison: {
    does: 'A process says that one of its pages is lost: the error is injected as if it had consumed it.',
    label: 'Poison this page (MADV_HWPOISON)',
    next: 'failure',
  },
  madviseSoftOffline: {
    does: 'A process asks to move one of its pages to other memory, and to use the old one no more.',
    label: 'Soft-offline this page (MADV_SOFT_OFFLINE)',
    next: 'soft_offline',
  },
} as const

const inject = (name: keyof typeof ADVICE) =>
  operation({
    name,
    does: ADVICE[name].does,
    source: {
      file: 'mm/madvise.c',
      fn: 'madvise_inject_error',
      version: '6.12',
      evidence: 'recorded',
    },
    leftOut: 'More than one page; the check for CAP_SYS_ADMIN.',
    via: ['do_madvise', '__x64_sys_madvise'],
    start: {
      label: ADVICE[name].label,
      on: ['vma', 'pte'],
      by: 'process',
      args: (k, { kind, id, key }) => ({
        vpn: key ?? (kind === 'vma' ? k.vmas.at(id).vm_start : 0),
      }),
      refuse(k, { vpn }, task) {
        const { mm } = k.tasks.at(task)
        if (mm === 0) return 'This thread has no address space here.'
        if (vma_lookup(k, mm, vpn) === undefined) return 'Nothing is mapped there.'
        return k.pinHandles.isFull ? 'This simulation has no room for another pin.' : undefined
      },
    },
    params: { vpn: wide() },
    locals: { pfn: wide(), result: int() },
    entry: 'get_page',
    steps: {
      get_page: {
        does: 'Take a reference of the page, faulting it in if need be.',
        fn: 'get_user_pages_fast',
        run(_k, t) {
          t.task.signal = 'none'
          t.task.si_code = 'none'
          const args = { start: t.vpn, pages: 1, write: 0, longterm: 0, force: 0 }
          return t.call(get_user_pages_fast, args, 'got_page')
        },
      },
      got_page: {
        does: 'No page: the error of the fault. Otherwise the reference goes along.',
        fn: 'madvise_inject_error',
        run(k, t) {
          if (t.ret !== 1) return t.done(t.ret)
          const handle = ownHandle(k, t.task)
          if (handle === undefined) return t.done(-EFAULT)
          t.pfn = takePage(k, handle.id)
          return ADVICE[name].next
        },
      },
      failure: {
        does: 'Inject: consumed by this thread just now, the reference counted, in software only, so that the memory itself is fine.',
        fn: 'memory_failure',
        run(_k, t) {
          const flags = MF.action_required | MF.count_increased | MF.sw_simulated
          return t.call(memory_failure, { pfn: t.pfn, flags }, 'done')
        },
      },
      soft_offline: {
        does: 'Move it.',
        fn: 'soft_offline_page',
        run: (_k, t) =>
          t.call(soft_offline_page, { pfn: t.pfn, flags: MF.count_increased }, 'done'),
      },
      done: {
        does: 'Return what came of it.',
        run: (_k, t) => t.done(t.ret === -EOPNOTSUPP ? 0 : t.ret),
      },
    },
  })

export const madviseHwpoison = inject('madviseHwpoison')
export const madviseSoftOffline = inject('madviseSoftOffline')
