import { int, ref, wide } from '../../../arena'
import { devmem_is_allowed, highMemory } from '../../arch/x86/mm/init'
import { EBADF, EFAULT, EPERM } from '../../include/errno'
import { PAGE_SIZE } from '../../include/mm'
import type { Kernel } from '../../kernel'
import { iomemNodeOf } from '../../kernel/iomem-mapping'
import { resourceReadable } from '../../kernel/resource-lock'
import { bytesOf, storeByte } from '../../mm/contents'
import { operation } from '../../operation'

/** page_is_allowed() of mem.c: without STRICT_DEVMEM everything is. */
const page_is_allowed = (k: Kernel, pfn: number): 0 | 1 | 2 =>
  k.policy.strictDevmem === 'on' ? devmem_is_allowed(k, pfn) : 1

const MAX_BYTES = 16 * PAGE_SIZE

interface Transfer {
  readonly file: number
  readonly pos: number
  readonly length: number
}

/** A sentence why this cannot be begun, or nothing. */
function refusal(k: Kernel, { pos, length }: Transfer, task: number): string | undefined {
  if (k.tasks.at(task).mm === 0) return 'This thread has no address space here.'
  if (pos < 0 || pos > 2 ** 52) return 'The offset is a physical address.'
  return length >= 1 && length <= MAX_BYTES ? undefined : 'From 1 byte to 64 KiB.'
}

/** True if the process has /dev/mem open under this number. */
function isOpen(k: Kernel, file: number, mm: number): boolean {
  if (!k.files.isLive(file)) return false
  const { owner, f_inode } = k.files.at(file)
  return owner === mm && iomemNodeOf(k, f_inode)?.kind === 'mem'
}

const pageOf = ({ pos, copied }: { pos: number; copied: number }): number =>
  Math.floor((pos + copied) / PAGE_SIZE)

/** Bytes up to the end of the page (size_inside_page). */
const chunk = ({ pos, length, copied }: Transfer & { copied: number }): number =>
  Math.min(PAGE_SIZE - ((pos + copied) % PAGE_SIZE), length - copied)

/** read_mem() and write_mem(): rows of §2.1 of the iomem sheet, and W7. */
const memOperation = (name: 'read_mem' | 'write_mem') => {
  const isWrite = name === 'write_mem'
  return operation({
    name,
    does: isWrite ? 'write(2) to /dev/mem.' : 'read(2) of /dev/mem.',
    source: {
      file: 'drivers/char/mem.c',
      fn: name,
      version: '6.12',
      ...(isWrite ? {} : { evidence: 'recorded' as const }),
    },
    leftOut: isWrite
      ? 'Faults of the user’s buffer.'
      : 'The bounce page; the first byte that is read stands for all.',
    via: isWrite ? ['vfs_write', 'ksys_write'] : ['vfs_read', 'ksys_read'],
    start: {
      label: isWrite ? 'Write to /dev/mem' : 'Read /dev/mem',
      on: ['inode'],
      by: 'process',
      offered: (k, { id }) => iomemNodeOf(k, id)?.kind === 'mem',
      args(k, { id }) {
        const file = k.files.find(({ f_inode }) => f_inode === id)
        return { file: file?.id ?? 0, pos: 0, length: PAGE_SIZE, value: 0 }
      },
      refuse: (k, args, task) =>
        refusal(k, args, task) ??
        (args.value >= 0 && args.value <= 0xff ? undefined : 'A byte is from 0 to 255.'),
    },
    params: { file: ref('file'), pos: wide(), length: int(), value: int() },
    locals: { copied: int(), allowed: int() },
    entry: 'check_range',
    steps: {
      check_range: {
        does: 'Is the file open, and the range below high_memory? Behind the last RAM: -EFAULT.',
        fn: 'valid_phys_addr_range',
        run(k, t) {
          if (!isOpen(k, t.file, t.task.mm)) return t.done(-EBADF)
          return t.pos + t.length <= highMemory(k) ? 'check_page' : t.done(-EFAULT)
        },
      },
      check_page: {
        does: isWrite
          ? 'May the user have the next page? If not, -EPERM, and what was written before is not reported.'
          : 'May the user have the next page? If not, -EPERM, whatever was read before.',
        fn: 'page_is_allowed',
        when: resourceReadable,
        run(k, t) {
          t.allowed = page_is_allowed(k, pageOf(t))
          return t.allowed === 0 ? t.done(-EPERM) : 'copy'
        },
      },
      copy: {
        does: isWrite
          ? 'Copy from the user into the page. What counts as zeros swallows it silently. Nobody asks again whether it is claimed.'
          : 'Copy the page to the user; RAM of the first megabyte reads as zeros.',
        fn: isWrite ? 'copy_from_user' : 'copy_to_user',
        run(k, t) {
          const pfn = pageOf(t)
          if (isWrite && t.allowed === 1) storeByte(k, pfn, t.value, { mm: t.task.mm })
          if (!isWrite && t.copied === 0) t.task.value = t.allowed === 2 ? 0 : bytesOf(k, pfn).value
          t.copied += chunk(t)
          return t.copied < t.length ? 'check_page' : t.done(t.length)
        },
      },
    },
  })
}

export const read_mem = memOperation('read_mem')
export const write_mem = memOperation('write_mem')
