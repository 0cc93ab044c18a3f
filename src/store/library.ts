import type { Scenario } from '../scenarios/scenario'
import { getState, setState } from './store'

/** Every scenario. All but the first arrive after the page has opened: they are most of its words. */
export async function loadScenarios(): Promise<readonly Scenario[]> {
  const { scenarios } = await import('../scenarios')
  setState({ scenarios })
  return scenarios
}

/** The scenario of a name, fetched if it is not here yet; undefined where there is none. */
export async function findScenario(name: string): Promise<Scenario | undefined> {
  const isNamed = (each: Scenario) => each.name === name
  return getState().scenarios.find(isNamed) ?? (await loadScenarios()).find(isNamed)
}
