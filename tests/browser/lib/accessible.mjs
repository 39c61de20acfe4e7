// axe-core on every screen in each of its states, in light and dark, on a desk and on a phone,
// and without scripts where that shows something else: in shares, which run side by side.
import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { organization, STATES } from './states.mjs'
import { assertGoodAnywhere, launch, visit } from './visit.mjs'

/** The tests that have a share each. */
const FILES = (await readdir(new URL('..', import.meta.url))).filter((name) => /^accessibility\.\d+\.test\.mjs$/.test(name))

/** Tests every state whose turn it is in the file of this address, in an organization of its own. */
export function testStates(url) {
  const share = FILES.indexOf(url.split('/').at(-1))
  assert.notEqual(share, -1, 'this file has no share')
  let browser, untether, app, close
  before(async () => {
    browser = await launch()
    ;({ untether, app, close } = await organization(browser))
  })
  after(async () => {
    await browser?.close()
    await close?.()
  })

  const states = Object.entries(STATES).filter((_, turn) => turn % FILES.length === share)
  for (const [what, { go, person, status, js }] of states) {
    test(`axe-core finds nothing on ${what}, in any light, and it fits a phone`, async (t) => {
      const expected = js ? (status === 200 ? undefined : new RegExp(`status of ${status}`)) : /ERR_FAILED/
      const page = await visit(t, browser, untether, person, { expected })
      // axe-core is a script itself: those of the page are lost on their way.
      if (!js) await page.route('**/*.js', (route) => route.abort())
      const answer = await go(page, app)
      if (answer) assert.equal(answer.status(), status)
      await assertGoodAnywhere(page, what)
    })
  }
}
