import { openScenario } from '../scenarios/open'
import type { Scenario } from '../scenarios/scenario'
import { getState, setState } from './store'

/**
 * Every scenario, with every operation. All but the first arrive after the page has opened: they,
 * and the operations that it does not run, are most of what there is.
 */
export async function loadScenarios(): Promise<readonly Scenario[]> {
  const [{ scenarios }, { policies }] = await Promise.all([
    import('../scenarios'),
    import('../linux/policies'),
  ])
  if (getState().scenarios !== scenarios) {
    setState({ scenarios, policies })
    completeOpened(scenarios)
  }
  return scenarios
}

/** The scenario of a name, fetched if it is not here yet; undefined where there is none. */
export async function findScenario(name: string): Promise<Scenario | undefined> {
  const isNamed = (scenario: Scenario) => scenario.name === name
  try {
    return (await loadScenarios()).find(isNamed)
  } catch (error) {
    const here = getState().scenarios.find(isNamed)
    if (here === undefined) throw error
    return here
  }
}

/** The page opened its scenario with the operations of its story: from here on it has all of them. */
function completeOpened(scenarios: readonly Scenario[]): void {
  const { opened, version } = getState()
  const scenario = scenarios.find(({ name }) => name === opened.scenario.name)
  if (scenario === undefined || scenarios.includes(opened.scenario)) return
  const { preset, setup, timeline } = opened
  const complete = openScenario(scenario, {
    preset,
    policies: setup.policies,
    params: setup.params,
  })
  if (typeof complete === 'string') return
  complete.timeline.follow(timeline)
  setState({ opened: complete, version: version + 1 })
}
