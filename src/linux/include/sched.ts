import { bits, choice, flags, int, ref, struct, wide } from '../../arena'
import { taskFields } from '../../machine'

/** CAP_*: include/uapi/linux/capability.h. */
export const CAP = flags({ sys_rawio: 17, sys_admin: 21 })

/** struct task_struct: a thread, the kernel's stack of which is its frames. */
export const TaskStruct = struct('task_struct', {
  ...taskFields,
  role: choice(
    ['process', 'admin', 'device', 'zombie'],
    'Who acts: a process, a root shell or kernel thread, a DMA engine; or a process that has exited.',
  ),
  mm: ref('mm_struct', 'The address space; NULL where the thread maps nothing of interest.'),
  irqs_off: int(0, 'Inside gup-fast, with interrupts off: no grace period can end.'),
  signal: choice(
    ['none', 'SIGBUS', 'SIGSEGV', 'SIGKILL'],
    'The signal that the last access ended with.',
  ),
  si_code: choice(
    [
      'none',
      'BUS_ADRERR',
      'BUS_MCEERR_AR',
      'BUS_MCEERR_AO',
      'SEGV_MAPERR',
      'SEGV_ACCERR',
      'SI_KERNEL',
    ],
    'Why, as siginfo tells the process.',
  ),
  si_addr: wide(0, 'The virtual page that siginfo names.'),
  si_addr_lsb: int(0, 'Of a memory error: how much is lost, as a power of two: 12, 21 or 30.'),
  mce_kill: choice(
    ['default', 'early', 'late'],
    'PF_MCE_PROCESS and PF_MCE_EARLY, as prctl(PR_MCE_KILL) sets them.',
  ),
  value: int(0, 'The byte that the last load returned.'),
  cap_effective: bits(CAP, 'Capabilities of a process; who has the role of root has them all.'),
  pages: ref('pin_handle', 'The pages[] that this thread’s last GUP call fills.'),
})
