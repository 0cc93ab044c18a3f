import type { Target } from '../machine'
import type { Theme } from './state'
import { setState } from './store'

export const hover = (hovered: Target | undefined): void => setState({ hovered })
export const select = (selected: Target | undefined): void => setState({ selected })
export const zoomTo = (focus: number): void => setState({ focus })
export const dismissNotice = (): void => setState({ notice: undefined })
export const chooseTheme = (theme: Theme): void => setState({ theme })
