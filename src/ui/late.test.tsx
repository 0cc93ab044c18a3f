import { cleanup, render, screen } from '@testing-library/react'
import { Suspense } from 'react'
import { afterEach, expect, it } from 'vitest'
import { late } from './late'

afterEach(cleanup)

it('shows a part when it has come, with what it was given', async () => {
  const Part = late(async () => ({ name }: { name: string }) => <p>{`here is ${name}`}</p>)
  render(
    <Suspense>
      <Part name="a menu" />
    </Suspense>,
  )
  expect(await screen.findByText('here is a menu')).toBeTruthy()
})

it('says in the place of a part that it could not be fetched', async () => {
  const Part = late(() => Promise.reject(new TypeError('Failed to fetch')))
  render(
    <Suspense>
      <Part />
    </Suspense>,
  )
  expect((await screen.findByRole('alert')).textContent).toContain('could not be loaded')
})
