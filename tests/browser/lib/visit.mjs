// Debian's Chromium, as it is built to have no window, which takes half the time, and a visit of
// one person with it: a page that notices every complaint.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { readFile } from 'node:fs/promises'
import { chromium } from 'playwright-core'

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** The browser, with `more` switches. */
export function launch(more = []) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium-headless-shell',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', ...more],
  })
}

/**
 * A page of its own for this person, gone after the test `t`. At the end nothing may have been
 * written to the console as an error, by a script or by the content security policy, unless
 * `expected` matches it.
 */
export async function visit(t, browser, untether, person, options = {}) {
  const { js = true, expected = /^$/ } = options
  const context = await browser.newContext({
    baseURL: untether.public,
    javaScriptEnabled: js,
    viewport: { width: 1280, height: 900 },
    reducedMotion: 'reduce',
  })
  if (person) await context.addCookies([{ name: 'person', value: person, url: untether.public }])
  context.setDefaultTimeout(10_000)
  const page = await context.newPage()
  const complaints = []
  page.on('console', (message) => message.type() === 'error' && complaints.push(`${message.text()} ${page.url()}`))
  page.on('pageerror', (error) => complaints.push(String(error)))
  t.after(async () => {
    await context.close()
    assert.deepEqual(complaints.filter((text) => !expected.test(text)), [])
  })
  return page
}

/** Fails with what axe-core finds, by rule and element; `options` say which rules. */
export async function assertAccessible(page, what, options = {}) {
  await page.evaluate(AXE)
  const { violations, passes } = await page.evaluate((options) => globalThis.axe.run(document, options), options)
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' | ')}`)
  assert.deepEqual(found, [], `${what}: axe-core finds ${found.length}`)
  assert.ok(passes.length > (options.runOnly ? 0 : 10), `${what}: axe-core looked at hardly anything`)
}

/** No part of the page is wider than the screen. */
export async function assertFits(page, what) {
  const [content, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth])
  assert.ok(content <= screen, `${what}: ${content} px of content on ${screen} px`)
}

/** The page is accessible and fits, on a desk and on a phone, in light and in the dark. */
export async function assertGoodAnywhere(page, what) {
  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: 900 })
    await assertFits(page, `${what} at ${width} px`)
    await assertAccessible(page, `${what} at ${width} px`)
  }
  // In the dark nothing but colours is different.
  await page.emulateMedia({ colorScheme: 'dark' })
  await assertAccessible(page, `${what} in the dark`, { runOnly: ['color-contrast'] })
  await page.emulateMedia({ colorScheme: 'light' })
}
