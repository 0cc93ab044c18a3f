import { presets } from '../linux/presets'

/** The kernels among which one can choose. */
export const PresetOptions = () =>
  presets.map(({ name, title }) => (
    <option key={name} value={name}>
      {title}
    </option>
  ))
