import { policy } from '../../machine'

/** The boot parameter iomem= (kernel/resource.c, strict_iomem). */
export const iomemParam = policy({
  name: 'iomemParam',
  question: 'What does iomem= on the kernel command line say?',
  initial: 'none',
  values: {
    none: {
      title: 'it is not given',
      says: 'strict_iomem_checks is 1 with STRICT_DEVMEM, and 0 without.',
    },
    strict: { title: 'iomem=strict', says: 'strict_iomem_checks is 1.' },
    relaxed: {
      title: 'iomem=relaxed',
      says: 'strict_iomem_checks is 0: claims refuse nothing, and revoke nothing. RAM stays refused.',
    },
  },
})
