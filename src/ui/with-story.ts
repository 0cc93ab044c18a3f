import { sharedBy } from '../machine'
import type { Opened } from '../scenarios/open'

/** The last moment up to which the branch goes as the story does: up to here its words are true. */
export const withStoryUpTo = ({ story, timeline }: Opened): number =>
  sharedBy(
    timeline.branch.choices,
    story.map(({ choice }) => choice),
  )
