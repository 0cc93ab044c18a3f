import { Suspense, useCallback, useMemo, useState } from 'react'
import { Board } from '../diagrams/board/Board'
import type { Target } from '../machine'
import { hover, select } from '../store/attention'
import { usePinhole } from '../store/store'
import { late } from './late'

const ObjectMenu = late(async () => (await import('./ObjectMenu')).ObjectMenu)

interface OpenMenu {
  readonly target: Target
  readonly x: number
  readonly y: number
}

/** The board, with the menu of what is clicked. */
export function BoardPanel() {
  const { opened, version, hovered, selected, focus } = usePinhole()
  const [menu, setMenu] = useState<OpenMenu | undefined>()
  const { timeline } = opened
  // biome-ignore lint/correctness/useExhaustiveDependencies: version stands for the timeline's state
  const { changes, findings } = useMemo(() => {
    const broken = timeline.standings().filter(({ invariant }) => invariant.kind === 'always')
    return {
      changes: timeline.changes(),
      findings: broken.flatMap(({ finding }) => (finding === undefined ? [] : [finding])),
    }
  }, [timeline, version])
  const onPick = useCallback((target: Target, element: Element) => {
    select(target)
    const { left, bottom } = element.getBoundingClientRect()
    setMenu({ target, x: left, y: bottom })
  }, [])
  return (
    <section className="board-panel" aria-label="Board">
      <Board
        kernel={timeline.kernel}
        {...{ changes, findings, version, hovered, selected, focus, onPick }}
        onHover={hover}
      />
      {menu !== undefined && (
        <Suspense>
          <ObjectMenu
            key={`${menu.target.kind} ${menu.target.id} ${menu.target.key}`}
            {...menu}
            onClose={() => setMenu(undefined)}
          />
        </Suspense>
      )}
    </section>
  )
}
