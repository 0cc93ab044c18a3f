import { citation, type Finding, type Target } from '../machine'
import { select } from '../store/attention'
import { seek } from '../store/session'
import { useOpened } from '../store/store'
import { EvidenceMark } from './EvidenceMark'

const kinds: Readonly<Record<string, string>> = {
  ptes: 'pte',
  tasks: 'task',
  pages: 'page',
  pinHandles: 'pin',
  daxLeases: 'dax_lease',
  memoryBlocks: 'memory_block',
  cpus: 'cpu',
}

const targetOf = ({ table, id, key }: Finding): Target => ({
  kind: kinds[table] ?? table,
  id,
  ...(key === undefined ? {} : { key }),
})

/** Every property, always on; a broken one names the step and the object. */
export function Properties() {
  const opened = useOpened()
  return (
    <section className="panel properties" aria-labelledby="properties-title">
      <h2 id="properties-title">Properties</h2>
      <ul>
        {opened.timeline.standings().map(({ invariant, finding, since }) => {
          const isBroken = invariant.kind === 'always' && since !== undefined
          const word = isBroken
            ? 'broken'
            : invariant.kind === 'always'
              ? 'holds'
              : since === undefined
                ? 'not seen yet'
                : 'seen'
          return (
            <li
              key={invariant.name}
              className={isBroken ? 'broken' : since === undefined ? 'holds' : 'seen'}
              data-property={invariant.name}
            >
              <span className="sign" aria-hidden="true">
                {isBroken
                  ? '✕'
                  : invariant.kind === 'always'
                    ? '✓'
                    : since === undefined
                      ? '○'
                      : '●'}
              </span>
              <strong>{invariant.claim}</strong>
              <span className="standing">
                {since === undefined ? (
                  word
                ) : (
                  <StandingLink word={word} since={since} finding={finding} />
                )}
              </span>
              {invariant.kind === 'always' && invariant.windows.length > 0 && (
                <span className="cite">
                  {`may be broken ${invariant.windows.map(({ says }) => says).join(', or ')}`}
                </span>
              )}
              <span className="cite">
                {invariant.sources.map((source) => (
                  <span key={citation(source)}>
                    {citation(source)}
                    {source.evidence !== undefined && <EvidenceMark evidence={source.evidence} />}
                  </span>
                ))}
              </span>
            </li>
          )
        })}
      </ul>
    </section>
  )
}

interface StandingProps {
  readonly word: string
  readonly since: number
  readonly finding: Finding | undefined
}

function StandingLink({ word, since, finding }: StandingProps) {
  return (
    <>
      <button type="button" className="link" onClick={() => seek(since)}>
        {`${word} at step ${since}`}
      </button>
      {finding !== undefined && (
        <button type="button" className="link" onClick={() => select(targetOf(finding))}>
          {finding.says}
        </button>
      )}
    </>
  )
}
