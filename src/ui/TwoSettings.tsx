import { useState } from 'react'
import { policies } from '../linux/policies'
import { presets } from '../linux/presets'
import type { PolicyValue } from '../machine'
import { setupOf } from '../scenarios/open'
import type { Scenario } from '../scenarios/scenario'
import { type Setting, settingNow } from '../store/compare'
import { useOpened } from '../store/store'
import { CompareSchedule } from './CompareSchedule'
import { CompareSpaces } from './CompareSpaces'
import { PresetOptions } from './PresetOptions'

interface TwoSettingsProps {
  readonly view: 'schedule' | 'spaces'
  readonly onClose: () => void
}

/** Two kernels, each with rules that replace its own, and how they compare. */
export function TwoSettings({ view, onClose }: TwoSettingsProps) {
  const { scenario, setup } = useOpened()
  const [a, setA] = useState(settingNow)
  const [b, setB] = useState(() => another(settingNow(), scenario.policies, setup.policies))
  const shared = { a, b, onClose }
  return (
    <>
      <div className="settings-of-two">
        <SettingChoice letter="A" setting={a} scenario={scenario} onChange={setA} />
        <SettingChoice letter="B" setting={b} scenario={scenario} onChange={setB} />
      </div>
      {view === 'schedule' ? (
        <CompareSchedule {...shared} />
      ) : (
        <CompareSpaces key={JSON.stringify([a, b])} {...shared} />
      )}
    </>
  )
}

/** Another setting to begin with: another value of the first rule of the scenario, or an older kernel. */
function another(
  setting: Setting,
  names: readonly string[],
  chosen: Readonly<Record<string, string>>,
): Setting {
  const [first] = policies.filter(({ name }) => names.includes(name))
  if (first === undefined)
    return { ...setting, preset: presets.find(({ name }) => name !== setting.preset)?.name ?? '' }
  const value = Object.keys(first.values).find((each) => each !== chosen[first.name]) ?? ''
  return { ...setting, policies: { ...setting.policies, [first.name]: value } }
}

interface SettingProps {
  readonly letter: string
  readonly setting: Setting
  readonly scenario: Scenario
  readonly onChange: (setting: Setting) => void
}

function SettingChoice({ letter, setting, scenario, onChange }: SettingProps) {
  const kernel = setupOf(scenario, { preset: setting.preset })
  const usual = typeof kernel === 'string' ? {} : kernel.policies
  const choose = (name: string, value: string) => {
    const { [name]: _, ...others } = setting.policies
    onChange({ ...setting, policies: value === '' ? others : { ...others, [name]: value } })
  }
  return (
    <fieldset>
      <legend>{letter}</legend>
      <label>
        <span className="visually-hidden">{`${letter}: kernel`}</span>
        <select
          value={setting.preset}
          onChange={(event) => onChange({ ...setting, preset: event.target.value })}
        >
          <PresetOptions />
        </select>
      </label>
      {policies
        .filter(({ name }) => scenario.policies.includes(name))
        .map(({ name, question, values }) => (
          <label key={name} title={question}>
            <span className="visually-hidden">{`${letter}: ${question}`}</span>
            <select
              value={setting.policies[name] ?? ''}
              onChange={(event) => choose(name, event.target.value)}
            >
              <option value="">{`${titleOf(values, usual[name])} (the kernel’s)`}</option>
              {Object.entries(values).map(([value, { title }]) => (
                <option key={value} value={value}>
                  {title}
                </option>
              ))}
            </select>
          </label>
        ))}
    </fieldset>
  )
}

const titleOf = (
  values: Readonly<Record<string, PolicyValue>>,
  value: string | undefined,
): string => values[value ?? '']?.title ?? ''
