import type { Page } from '@playwright/test'

/** Picks a mark of the board by what it says, and begins an operation from its menu. */
export async function act(page: Page, mark: RegExp, item: RegExp): Promise<void> {
  await page.getByRole('button', { name: mark }).first().click()
  await page
    .getByRole('dialog', { name: 'What can be done here' })
    .getByRole('button', { name: item })
    .first()
    .click()
}

export const thread = (page: Page, name: string) => page.locator(`[data-thread="${name}"]`)
export const property = (page: Page, name: string) => page.locator(`[data-property="${name}"]`)
/** What the story tells at this moment. */
export const story = (page: Page) => page.getByRole('region', { name: 'Story' })

export const chooseKernel = (page: Page, preset: string) =>
  page.getByRole('combobox', { name: /kernel/i }).selectOption(preset)

/** Goes from passage to passage until one says this. */
export async function readOnTo(page: Page, says: string | RegExp): Promise<void> {
  const next = page.getByRole('button', { name: /^(Next|Play)/ })
  for (let passages = 0; passages < 20; passages++) {
    if ((await story(page).getByText(says).count()) > 0) return
    await next.first().click()
  }
}
