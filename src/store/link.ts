import { checksOf, compareChecks } from '../formats/link-checks'
import { type LinkState, readLink, writeLink } from '../formats/permalink'
import { scenarios } from '../scenarios'
import { type Opened, openScenario } from '../scenarios/open'
import { show } from './session'
import { getState, setState } from './store'

/** The longest link that mail programs leave clickable. */
const FITS_MAIL = 900

/** The fragment for the moment that is shown, or a sentence why there is none. */
export function linkNow(): { fragment: string; says: string } | { refused: string } {
  const { opened } = getState()
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
  const { scenario, timeline, setup, preset } = opened
  const story = openScenario(scenario, setup)
  const own = typeof story === 'string' ? [] : story.timeline.branch.choices
  const isStory = JSON.stringify(own) === JSON.stringify(timeline.branch.choices)
  const usual = openScenario(scenario)
  const policies = typeof usual === 'string' ? {} : differing(setup.policies, usual.setup.policies)
  const params = typeof usual === 'string' ? {} : differing(setup.params, usual.setup.params)
  const shared = { scenario: scenario.name, preset, policies, params, cursor: timeline.cursor }
  return isStory
    ? shared
    : { ...shared, choices: timeline.branch.choices, checks: checksOf(timeline.moments) }
}

/** Settings that are not the usual ones. */
const differing = <V>(
  mine: Readonly<Record<string, V>>,
  usual: Readonly<Record<string, V>>,
): Record<string, V> =>
  Object.fromEntries(Object.entries(mine).filter(([name, value]) => usual[name] !== value))

/** Opens the moment of a link. What is wrong with it is said, and what is open stays. */
export function openLink(text: string): void {
  const link = readLink(text)
  if (!link.ok) {
    setState({ notice: link.error.sentence })
    return
  }
  const { scenario: name, preset, policies, params, choices, cursor, checks = [] } = link.value
  const scenario = scenarios.find((each) => each.name === name)
  if (scenario === undefined) {
    setState({ notice: `The link names the scenario "${name}", which this version does not have.` })
    return
  }
  const opened = openScenario(scenario, { ...(preset === '' ? {} : { preset }), policies, params })
  if (typeof opened === 'string') {
    setState({ notice: `The link cannot be opened: ${opened}` })
    return
  }
  if (choices !== undefined) opened.timeline.load(choices)
  const refused = opened.timeline.seek(cursor)
  show(opened, refused ?? compareChecks(checks, checksOf(opened.timeline.moments)))
}
