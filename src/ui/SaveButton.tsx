import { useState } from 'react'
import type { Export } from '../store/exports'
import { save } from './save'

interface SaveProps {
  readonly label: string
  /** What is saved, or a sentence why there is nothing to save. */
  readonly make: () => Export | string
  readonly className?: string
}

/** Saves a file, or says why there is none. */
export function SaveButton({ label, make, className }: SaveProps) {
  const [refused, setRefused] = useState<string>()
  const act = () => {
    const made = make()
    if (typeof made === 'string') setRefused(made)
    else save(made)
  }
  return (
    <>
      <button type="button" className={className} onClick={act}>
        {label}
      </button>
      {refused !== undefined && (
        <span className="refused" role="status">
          {refused}
        </span>
      )}
    </>
  )
}
