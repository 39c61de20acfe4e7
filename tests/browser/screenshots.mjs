// Saves a picture of each path at 1280 and 390 px, light and dark, with scripts and without; or,
// with --states, of every state of every screen that axe-core looks at, and of each on paper.
//
//   node screenshots.mjs --base http://127.0.0.1:8080 --out DIRECTORY [--header 'Name: value']… PATH…
//   node screenshots.mjs --states --out DIRECTORY [PART OF A NAME]…
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { organization, STATES } from './lib/states.mjs'
import { launch } from './lib/visit.mjs'

const { values, positionals: paths } = parseArgs({
  allowPositionals: true,
  options: {
    base: { type: 'string' },
    out: { type: 'string' },
    header: { type: 'string', multiple: true, default: [] },
    states: { type: 'boolean', default: false },
  },
})
if (!values.out || (!values.states && (!values.base || paths.length === 0))) {
  console.error("usage: node screenshots.mjs --base URL --out DIRECTORY [--header 'Name: value']... PATH...")
  process.exit(2)
}
const extraHTTPHeaders = Object.fromEntries(
  values.header.map((header) => header.split(/:\s*(.*)/s, 2)),
)

await mkdir(values.out, { recursive: true })
const browser = await launch()
const fileOf = (name) => path.join(values.out, `${name.replace(/[^\w.-]+/g, '_').replace(/^_+|_+$/g, '').slice(0, 120) || 'root'}.png`)

/** Every state, or those whose name has one of these parts. */
async function picturesOfStates(parts) {
  const { untether, app, close } = await organization(browser)
  const chosen = Object.entries(STATES).filter(([name]) => parts.length === 0 || parts.some((part) => name.includes(part)))
  for (const [name, { go, person, js }] of chosen) {
    const context = await browser.newContext({ baseURL: untether.public, javaScriptEnabled: js, reducedMotion: 'reduce', viewport: { width: 1280, height: 900 } })
    await context.addCookies([{ name: 'person', value: person, url: untether.public }])
    const page = await context.newPage()
    await go(page, app)
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 900 })
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme })
        await page.screenshot({ path: fileOf(`${name}-${width}-${colorScheme}`) })
      }
    }
    await page.setViewportSize({ width: 794, height: 1123 }) // A4
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' })
    await page.screenshot({ path: fileOf(`${name}-paper`) })
    console.log(name)
    await context.close()
  }
  await close()
}

if (values.states) await picturesOfStates(paths)
else for (const width of [1280, 390]) {
  for (const colorScheme of ['light', 'dark']) {
    for (const javaScriptEnabled of [true, false]) {
      const context = await browser.newContext({
        baseURL: values.base,
        extraHTTPHeaders,
        javaScriptEnabled,
        colorScheme,
        viewport: { width, height: 900 },
      })
      const page = await context.newPage()
      for (const address of paths) {
        const answer = await page.goto(address, { waitUntil: 'load' })
        const file = fileOf(`${address}-${width}-${colorScheme}-${javaScriptEnabled ? 'js' : 'nojs'}`)
        await page.screenshot({ path: file, fullPage: true })
        console.log(`${answer.status()} ${file}`)
      }
      await context.close()
    }
  }
}
await browser.close()
