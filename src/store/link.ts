import { checksOf, compareChecks } from '../formats/link-checks'
import { type LinkState, readLink, writeLink } from '../formats/permalink'
import { policies as allPolicies } from '../linux/policies'
import { judgePolicies } from '../machine'
import { type Opened, openScenario } from '../scenarios/open'
import type { Scenario, Setup } from '../scenarios/scenario'
import { findScenario } from './library'
import { ownPolicies, show } from './session'
import { getState, setState } from './store'

/** The longest link that mail programs leave clickable. */
const FITS_MAIL = 900

/** The fragment for the moment that is shown, or a sentence why there is none. */
export function linkNow(): { fragment: string; says: string } | { refused: string } {
  const { opened, scenarios } = getState()
  const { scenario, timeline } = opened
  if (!scenarios.includes(scenario))
    return {
      refused: 'An imported machine is not put into a link: nobody should publish one by accident.',
    }
  const state = linkState(opened)
  const fragment = writeLink(state)
  const size = fragment.length <= FITS_MAIL ? 'fits a mail' : 'too long for some mail programs'
  return {
    fragment,
    says: `${fragment.length} characters, ${size}; moment ${timeline.cursor} of ${timeline.length}`,
  }
}

function linkState(opened: Opened): LinkState {
  const { scenario, timeline, setup, preset, story } = opened
  const { choices } = timeline.branch
  const isStory = JSON.stringify(story.map(({ choice }) => choice)) === JSON.stringify(choices)
  const policies = ownPolicies(opened)
  const params = differing(setup.params, scenario)
  const shared = { scenario: scenario.name, preset, policies, params, cursor: timeline.cursor }
  if (!isStory || scenario.story.length === 0)
    return { ...shared, choices, checks: checksOf(timeline.moments) }
  return { ...shared, preset: preset === scenario.preset ? '' : preset }
}

/** Parameters that are not the usual ones. */
const differing = (mine: Setup['params'], { params }: Scenario): Setup['params'] =>
  Object.fromEntries(
    Object.entries(mine).filter(([name, value]) => params[name]?.initial !== value),
  )

/** The link that was asked for last: an earlier one whose scenario arrives later is not shown. */
let asked = ''

/** Opens the moment of a link. What is wrong with it is said, and what is open stays. */
export async function openLink(text: string): Promise<void> {
  asked = text
  const link = readLink(text)
  if (!link.ok) {
    setState({ notice: link.error.sentence })
    return
  }
  const { scenario: name, preset, policies, params, choices, cursor, checks = [] } = link.value
  const scenario = await findScenario(name).catch(() => null)
  if (asked !== text) return
  if (scenario === null) {
    setState({ notice: 'The scenario of the link could not be loaded: open the link again.' })
    return
  }
  if (scenario === undefined) {
    setState({ notice: `The link names the scenario "${name}", which this version does not have.` })
    return
  }
  const wrong = judgePolicies(allPolicies, policies)
  const request = { ...(preset === '' ? {} : { preset }), policies, params }
  const opened = wrong ?? openScenario(scenario, request)
  if (typeof opened === 'string') {
    setState({ notice: `The link cannot be opened: ${opened}` })
    return
  }
  const { timeline } = opened
  if (choices !== undefined) timeline.load(choices)
  const refused = timeline.seek(cursor)
  show(opened, refused ?? compareChecks(checks, checksOf(timeline.moments)))
}
