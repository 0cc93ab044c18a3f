import { affine, bits, choice, int, ref, struct, text, wide } from '../../arena'
import { PTE } from '../arch/x86/pgtable'

/** A logical CPU with its IA32_PKRS. Machines without rows here take a thread for a CPU of its own. */
export const Cpu = struct('cpu', {
  name: text('As the log prints it.'),
  online: int(0, 'It runs.'),
  has_pks: int(0, 'CPUID.7.ECX[31]: it has protection keys for supervisor pages.'),
  cr4_pks: int(0, 'CR4.PKS: the keys are checked.'),
  cr0_wp: int(1, 'CR0.WP: the kernel heeds write protection.'),
  msr_pkrs: wide(0, 'MSR_IA32_PKRS (0x6e1).'),
  pkrs_cache: wide(0, 'The kernel’s copy of the register.'),
  current: ref('task_struct', 'The thread that it runs; NULL while it idles.'),
  interrupts: ref('task_struct', 'Who runs its handlers here; not in the kernel.'),
  irqs_off: int(0, 'Interrupts are off: neither timer nor IPI comes.'),
  pending_ipi: int(0, 'An IPI was sent and has not arrived.'),
  preempt_count: int(0, 'Not 0: atomic, no schedule() here.'),
})

/** What exception entry puts on the stack. */
export const PkrsFrame = struct('pkrs_frame', {
  cpu: ref('cpu', 'On which CPU.'),
  kind: choice(['irq', 'nmi', 'fault'], 'What interrupted.'),
  depth: int(0, 'Frames below it.'),
  pkrs: wide(0, 'The value that exit writes back.'),
  thread: wide(0, 'The thread’s own value (2020 only).'),
  count: wide(0, 'The thread’s count (2020 only).'),
  irqs_off: int(0, 'The interrupt flag before.'),
})

/** What a thread has for protection keys: in thread_struct, and in task_struct. */
export const PkrsThread = struct('thread_struct', {
  task: ref('task_struct', 'Whose it is.'),
  pkrs: wide(0, 'saved_pkrs (2020), pkrs (2022): rights while it runs.'),
  count: wide(0, 'dev_page_access_ref, pgmap_prot_count: 32 bits, no sign.'),
  dead: int(0, 'An oops has killed it.'),
  error_code: int(0, 'Of the page fault that killed it.'),
  oops_pfn: wide(0, 'The page of that fault.'),
  rightful: int(0, 'That access was one which the variant makes a window for; not in the kernel.'),
})

/** A mapping that kernel code has open. The address is that of the direct map; not in the kernel. */
export const KernelMapping = struct('kernel_mapping', {
  pfn: wide(0, 'The page.'),
  call: choice(
    ['kmap', 'kmap_thread', 'kmap_global', 'kmap_atomic', 'kmap_local_page', 'pmem'],
    'How it was made.',
  ),
  task: ref('task_struct', 'Who made it.'),
  level: int(0, 'In a handler: how many are nested.'),
  open: int(0, 'The caller has its pointer.'),
  window: int(0, 'Protection keys were opened for it.'),
  global: int(0, 'For every thread.'),
})

/** Variables of protection keys, of which the kernel has one; then what they have cost. */
export const Pks = struct('pks', {
  key: int(1, 'The key of all pmem.'),
  init: wide(0, 'What threads, CPUs and handlers begin with.'),
  pkrs_global_cache: wide(0, 'Rights that every thread has besides its own (2020).'),
  pkrs_global_lock: ref('task_struct', 'Who changes them.'),
  allowed_mask: wide(0xffffffff, 'pkrs_pkey_allowed_mask: keys not given up (2021).'),
  warned: int(0, 'WARN_ONCE has warned.'),
  panicked: int(0, 'The machine has stopped.'),
  writes: int(0, 'WRMSR of PKRS; one costs 1 unit.'),
  skipped: int(0, 'Writes saved by the cache.'),
  ipis: int(0, 'Remote IPIs: 3 to 5 µs each, up to 100 µs from deep idle.'),
  faults: int(0, 'Exceptions by a key.'),
})

/** The kernel’s direct map, by pfn. */
export const DirectMapEntry = struct('direct_map_entry', {
  pfn: affine('The page.'),
  flags: bits(PTE, 'Bits of the entry.'),
  pkey: int(0, 'Bits 59 to 62: the protection key.'),
})

/** The last write of a pmem page, where that was none to be: latent corruption. Not in the kernel. */
export const UnguardedWrite = struct('unguarded_write', {
  writer: ref('task_struct', 'Who wrote.'),
  value: int(0, 'What it wrote.'),
  was: int(0, 'What was there.'),
  unmapped: int(0, 'Without a mapping of this page.'),
  windowless: int(0, 'Without a window of its own.'),
  guarded: int(0, 'The page has a key.'),
  consumed: int(0, 'Somebody has read it since.'),
})
