import { policy } from '../../machine'

/** Who is collected where an error was consumed, or is in memory of a device (dax sheet §4.3, collect rule). */
export const forcedKill = policy({
  name: 'forcedKill',
  question: 'Lost memory must be dealt with now: who hears of it besides the thread that met it?',
  initial: 'early',
  values: {
    early: {
      title: 'processes that asked for early kill (5.12+)',
      says: 'Force makes the current process a victim; others are victims if they asked to hear of errors early.',
      source: {
        file: 'mm/memory-failure.c',
        fn: 'task_early_kill',
        version: '6.12',
        note: 'The version of the change, 5.12, is from memory; 5.10 and 6.1 are checked.',
      },
    },
    currentOnly: {
      title: 'nobody (up to 5.11)',
      says: 'Force means the current process and nobody else. On DAX nothing is unmapped where it has no entry.',
      source: { file: 'mm/memory-failure.c', fn: 'task_early_kill', version: '5.10' },
    },
  },
})
