import { always } from '../operation'

/** I10 of the pins sheet, §7.2 (5.11+). */
export const gupFastSeesFork = always({
  name: 'gupFastSeesFork',
  claim: 'A pin that the fast path took overlapped no fork of the same process.',
  sources: [{ file: 'mm/gup.c', fn: 'gup_fast', version: '6.12' }],
  broken(k) {
    const raced = k.pinHandles.find((handle) => handle.raced === 1)
    return (
      raced && {
        table: 'pinHandles',
        id: raced.id,
        says: `the pin of ${k.tasks.at(raced.task).name} was taken while fork write-protected entries`,
      }
    )
  },
})
