/** A kernel version as a row of policy values. */
export interface Preset {
  readonly name: string
  readonly title: string
  readonly policies: Readonly<Record<string, string>>
  /** What of this version the simulation has, in one sentence. */
  readonly says: string
}

/** Kernel versions, oldest first. */
export const presets: readonly Preset[] = [
  {
    name: 'v6.12',
    title: 'Linux v6.12',
    policies: { filesystem: 'xfs', daxTruncate: 'wait', removalZap: 'zap' },
    says: 'The version that was recorded: every rule and number here is that of 6.12.',
  },
]
