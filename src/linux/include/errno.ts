/** errno values of x86-64 (include/uapi/asm-generic/errno-base.h, errno.h). */
export const errnos = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  ENOSPC: 28,
  ERANGE: 34,
  EOPNOTSUPP: 95,
  /** XFS calls it EFSCORRUPTED. */
  EUCLEAN: 117,
  EREMOTEIO: 121,
  EHWPOISON: 133,
  /** Inside the kernel only (include/linux/errno.h): the call begins anew after the signal, or gives EINTR. */
  ERESTARTSYS: 512,
} as const

export const {
  EPERM,
  ENOENT,
  EIO,
  EBADF,
  EAGAIN,
  ENOMEM,
  EFAULT,
  EBUSY,
  ENODEV,
  EINVAL,
  ENOSPC,
  EOPNOTSUPP,
  EINTR,
  EEXIST,
  ERANGE,
  ENXIO,
  EREMOTEIO,
  EHWPOISON,
  ERESTARTSYS,
  EUCLEAN,
} = errnos

/** `-EBUSY` for -16; other numbers as they are. */
export function errnoName(value: number): string {
  const name = Object.entries(errnos).find(([, number]) => number === -value)?.[0]
  return value < 0 && name !== undefined ? `-${name}` : String(value)
}
