import { Suspense, useState } from 'react'
import type { Scenario } from '../scenarios/scenario'
import { chooseTheme } from '../store/attention'
import { changeSetup, openScenarioWith } from '../store/session'
import { useOpened, usePinhole } from '../store/store'
import { EvidenceMark } from './EvidenceMark'
import { late } from './late'
import { PresetOptions } from './PresetOptions'
import { RecordedBadge } from './RecordedBadge'

type Dialog = 'compare' | 'check' | 'import' | 'share' | 'help'

const dialogs = {
  compare: late(async () => (await import('./CompareDialog')).CompareDialog),
  check: late(async () => (await import('./CheckDialog')).CheckDialog),
  import: late(async () => (await import('./ImportDialog')).ImportDialog),
  share: late(async () => (await import('./ShareDialog')).ShareDialog),
  help: late(async () => (await import('./Help')).Help),
} as const

const CheckSign = late(async () => (await import('./CheckDialog')).CheckSign)

/** What is shown, under which kernel and policies, and the ways in and out. */
export function Header() {
  const [dialog, setDialog] = useState<Dialog | undefined>()
  const isAsked = usePinhole(({ checking }) => checking !== undefined)
  const Open = dialog === undefined ? undefined : dialogs[dialog]
  return (
    <header className="header">
      <h1>
        <img src="./icon.svg" alt="" width="26" height="26" />
        Pinhole
      </h1>
      <ScenarioChoice />
      <Settings />
      <nav aria-label="Page">
        <button type="button" onClick={() => setDialog('compare')}>
          Compare
        </button>
        <button type="button" onClick={() => setDialog('check')}>
          Check
          {isAsked && (
            <Suspense>
              <CheckSign />
            </Suspense>
          )}
        </button>
        <button type="button" onClick={() => setDialog('import')}>
          Import
        </button>
        <button type="button" onClick={() => setDialog('share')}>
          Share
        </button>
        <ThemeButton />
        <button type="button" aria-label="Help" onClick={() => setDialog('help')}>
          ?
        </button>
      </nav>
      <Suspense>{Open !== undefined && <Open onClose={() => setDialog(undefined)} />}</Suspense>
    </header>
  )
}

/** Scenarios by family; what was imported has none. */
function familiesOf(scenarios: readonly Scenario[]): Map<string, Scenario[]> {
  const families = new Map<string, Scenario[]>()
  for (const scenario of scenarios) {
    const { family = 'Imported' } = scenario
    families.set(family, [...(families.get(family) ?? []), scenario])
  }
  return families
}

function ScenarioChoice() {
  const opened = useOpened()
  const { scenario } = opened
  const scenarios = usePinhole((state) => state.scenarios)
  const all = scenarios.includes(scenario) ? scenarios : [...scenarios, scenario]
  return (
    <>
      <label className="scenario">
        <span className="visually-hidden">Scenario</span>
        <select
          value={scenario.name}
          onChange={(event) => {
            const next = all.find(({ name }) => name === event.target.value)
            if (next !== undefined) openScenarioWith(next)
          }}
        >
          {[...familiesOf(all)].map(([family, members]) => (
            <optgroup key={family} label={family}>
              {members.map(({ name, title }) => (
                <option key={name} value={name}>
                  {title}
                </option>
              ))}
            </optgroup>
          ))}
        </select>
      </label>
      {scenario.evidence !== undefined && <EvidenceMark evidence={scenario.evidence} />}
      <RecordedBadge />
    </>
  )
}

/** Kernel, policies and parameters. Changing one keeps the moment, if the schedule still has it. */
function Settings() {
  const opened = useOpened()
  const { scenario, setup, preset } = opened
  const policies = usePinhole((state) => state.policies)
  return (
    <div className="settings">
      <label className="chip">
        <span className="visually-hidden">Kernel</span>
        <select value={preset} onChange={(event) => changeSetup({ preset: event.target.value })}>
          <PresetOptions />
        </select>
      </label>
      {policies
        .filter(({ name }) => scenario.policies.includes(name))
        .map(({ name, question, values }) => (
          <label key={name} className="chip" title={question}>
            <span className="visually-hidden">{question}</span>
            <select
              value={setup.policies[name] ?? ''}
              onChange={(event) => changeSetup({ policies: { [name]: event.target.value } })}
            >
              {Object.entries(values).map(([value, { title, says }]) => (
                <option key={value} value={value} title={says}>
                  {title}
                </option>
              ))}
            </select>
          </label>
        ))}
      {Object.entries(scenario.params).map(([name, { title, min, max }]) => (
        <label key={name} className="chip">
          {title}
          <input
            type="number"
            value={setup.params[name] ?? min}
            {...{ min, max }}
            onChange={(event) => changeSetup({ params: { [name]: event.target.valueAsNumber } })}
          />
        </label>
      ))}
    </div>
  )
}

const nextTheme = { auto: 'light', light: 'dark', dark: 'auto' } as const
const themeWords = { auto: 'Auto', light: 'Light', dark: 'Dark' } as const

function ThemeButton() {
  const theme = usePinhole((state) => state.theme)
  return (
    <button
      type="button"
      aria-label={`Theme: ${theme}`}
      onClick={() => chooseTheme(nextTheme[theme])}
    >
      {themeWords[theme]}
    </button>
  )
}
