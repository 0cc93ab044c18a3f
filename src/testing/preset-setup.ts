import { presets } from '../linux/presets'
import type { Setup } from '../scenarios/scenario'

/** The rules of a preset, but for those that are named; fails where there is no such preset. */
export function setupOf(preset: string, policies: Setup['policies'] = {}): Setup {
  const row = presets.find(({ name }) => name === preset)
  if (row === undefined) throw new Error(`there is no preset ${preset}`)
  return { policies: { ...row.policies, ...policies }, params: {} }
}
