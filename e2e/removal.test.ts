import { expect, test } from '@playwright/test'
import { act, chooseKernel, property, readOnTo, story, thread } from './board'

const RDMA = './#s/rdma-outlives-the-card'

test('under v5.12 the removal hangs, with the reason and the holder named', async ({ page }) => {
  await page.goto(RDMA)
  await chooseKernel(page, 'v5.12')
  await readOnTo(page, 'It hangs in state D')
  const shell = thread(page, 'root shell')
  await expect(shell).toContainText('wait_for_completion()')
  await expect(shell).toContainText('pages are pinned by app (FOLL_PIN|FOLL_LONGTERM, RDMA region)')
  await expect(shell.getByRole('button', { name: 'app' })).toBeVisible()
  await expect(property(page, 'removeReturns')).toContainText('broken at step')
  // The registration goes, and with it the wait.
  await page.keyboard.press('End')
  await expect(story(page)).toContainText('unbind has returned 0')
  await expect(property(page, 'noPinWithoutPage')).not.toContainText('broken')
})

test('under v6.12 it does not wait, and the later unpin touches a struct page that is gone', async ({
  page,
}) => {
  await page.goto(RDMA)
  await expect(page.getByRole('combobox', { name: /kernel/i })).toHaveValue('v6.12')
  await readOnTo(page, 'unbind returns 0')
  await expect(story(page)).toContainText('no struct page any more')
  await expect(property(page, 'noPinWithoutPage')).toContainText('broken at step')
  await readOnTo(page, 'an oops in unpin_user_pages()')
  await expect(story(page)).toContainText('The struct page is gone')
})

test('with the policy "revoke" the removal finishes clean', async ({ page }) => {
  await page.goto(RDMA)
  for (const kernel of ['v5.12', 'v6.12']) {
    await chooseKernel(page, kernel)
    await page.getByRole('combobox', { name: /long-term/i }).selectOption('revoke')
    await page.keyboard.press('Home')
    await readOnTo(page, 'The registration was revoked')
    await page.keyboard.press('End')
    for (const name of ['removeReturns', 'noPinWithoutPage', 'noPteToDeadPgmap', 'dmaKeepsDevice'])
      await expect(property(page, name)).not.toContainText('broken')
    await expect(thread(page, 'root shell')).toContainText('in user space')
  }
})

test('a CXL card is pulled and another put in its place: the registration reads a stranger’s byte', async ({
  page,
}) => {
  await page.goto('./#s/cxl-replaced')
  await page.getByRole('combobox', { name: /kmem/i }).selectOption({ index: 1 })
  await readOnTo(page, 'reads 0x7e')
  await expect(story(page)).toContainText('memory of another tenant')
})

test('a stale entry reads the memory of whoever has the replaced card', async ({ page }) => {
  await page.goto('./#s/the-next-tenant')
  await readOnTo(page, 'Tenant 1 reads its mapping.')
  await expect(story(page)).toContainText('0x7e')
  await expect(property(page, 'noPteToDeadPgmap')).toContainText('broken at step')
})

test('a card is pulled by a click on the topology, and another one put in its place', async ({
  page,
}) => {
  await page.goto('./#s/cxl-managed-unplug')
  await act(page, /^mem1/, /^Pull/)
  await expect(page.getByRole('button', { name: /^mem1.*link down/ }).first()).toBeVisible()
  for (const item of [/^pciehp: remove it/, /^Put another card in/]) await act(page, /^mem1/, item)
  await expect(page.getByRole('button', { name: /^mem1.*gen 2/ }).first()).toBeVisible()
})
