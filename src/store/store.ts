import { create } from 'zustand'
import { openingPolicies } from '../linux/opening-policies'
import { openScenario } from '../scenarios/open'
import { theDriverIsGone } from '../scenarios/the-driver-is-gone'
import type { PinholeState } from './state'

function initialState(): PinholeState {
  const opened = openScenario(theDriverIsGone)
  if (typeof opened === 'string') throw new Error(opened)
  return {
    opened,
    scenarios: [theDriverIsGone],
    policies: openingPolicies,
    version: 0,
    isPlaying: false,
    hovered: undefined,
    selected: undefined,
    focus: 0,
    notice: undefined,
    theme: 'auto',
    listing: undefined,
    regions: [],
    findings: [],
    checking: undefined,
  }
}

/** The one store. Actions are in files of their own, by what they are about. */
export const usePinhole = create<PinholeState>()(initialState)

/** The open scenario; renders again whenever its timeline has changed. */
export function useOpened() {
  usePinhole((state) => state.version)
  return usePinhole((state) => state.opened)
}

export const { getState, setState } = usePinhole

/** Back to how the page opens: for tests. */
export const resetStore = (): void => setState(initialState(), true)
