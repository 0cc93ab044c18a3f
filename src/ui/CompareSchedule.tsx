import { useMemo, useState } from 'react'
import { policies } from '../linux/policies'
import { presets } from '../linux/presets'
import {
  compareSchedule,
  diffText,
  type Setting,
  settingNow,
  showSide,
  type TwoSetups,
} from '../store/compare'
import { useOpened } from '../store/store'
import { CompareRows } from './CompareRows'
import { CompareSpaces } from './CompareSpaces'

/** The schedule that is open under two settings: what differs, where first, and what only one can reach. */
export function CompareSchedule({ onClose }: { onClose: () => void }) {
  const { scenario, timeline, setup } = useOpened()
  const [a, setA] = useState(settingNow)
  const [b, setB] = useState(() => another(settingNow(), scenario.policies, setup.policies))
  const { choices } = timeline.branch
  // biome-ignore lint/correctness/useExhaustiveDependencies: the schedule that is open is these choices
  const compared = useMemo(() => compareSchedule(a, b), [a, b, choices])
  return (
    <>
      <div className="settings-of-two">
        <SettingChoice letter="A" setting={a} names={scenario.policies} onChange={setA} />
        <SettingChoice letter="B" setting={b} names={scenario.policies} onChange={setB} />
      </div>
      {typeof compared === 'string' ? (
        <p>{compared}</p>
      ) : (
        <>
          <Summary compared={compared} a={a} b={b} />
          <CompareRows
            {...compared}
            onShow={(letter, moment) => {
              showSide(letter === 'a' ? a : b, compared[letter], moment)
              onClose()
            }}
          />
        </>
      )}
      <CompareSpaces key={JSON.stringify([a, b])} a={a} b={b} onClose={onClose} />
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
  readonly names: readonly string[]
  readonly onChange: (setting: Setting) => void
}

function SettingChoice({ letter, setting, names, onChange }: SettingProps) {
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
          {presets.map(({ name, title }) => (
            <option key={name} value={name}>
              {title}
            </option>
          ))}
        </select>
      </label>
      {policies
        .filter(({ name }) => names.includes(name))
        .map(({ name, question, values }) => (
          <label key={name} title={question}>
            <span className="visually-hidden">{`${letter}: ${question}`}</span>
            <select
              value={setting.policies[name] ?? ''}
              onChange={(event) => choose(name, event.target.value)}
            >
              <option value="">{`as in the kernel: ${question}`}</option>
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

interface SummaryProps {
  readonly compared: TwoSetups
  readonly a: Setting
  readonly b: Setting
}

function Summary({ compared, a, b }: SummaryProps) {
  const [copied, setCopied] = useState<TwoSetups>()
  const { start, rows } = compared
  const different = rows.filter(({ isSame }) => !isSame).length
  const isSame = different === 0 && start.length === 0
  const copy = async () => {
    await navigator.clipboard.writeText(diffText(a, b, compared)).catch(() => undefined)
    setCopied(compared)
  }
  return (
    <div className="compare-summary">
      <p aria-live="polite">
        {isSame
          ? `The same under both, for all ${rows.length} steps.`
          : `${different} of ${rows.length} steps differ.`}
      </p>
      {!isSame && (
        <button type="button" onClick={() => void copy()}>
          {copied === compared ? 'Copied' : 'Copy as unified diff'}
        </button>
      )}
    </div>
  )
}
