// Saves a picture of each path at 1280 and 390 px, light and dark, with scripts and without.
//
//   node screenshots.mjs --base http://127.0.0.1:8080 --out DIRECTORY [--header 'Name: value']… PATH…
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { launch } from './lib/visit.mjs'

const { values, positionals: paths } = parseArgs({
  allowPositionals: true,
  options: {
    base: { type: 'string' },
    out: { type: 'string' },
    header: { type: 'string', multiple: true, default: [] },
  },
})
if (!values.base || !values.out || paths.length === 0) {
  console.error("usage: node screenshots.mjs --base URL --out DIRECTORY [--header 'Name: value']... PATH...")
  process.exit(2)
}
const extraHTTPHeaders = Object.fromEntries(
  values.header.map((header) => header.split(/:\s*(.*)/s, 2)),
)

await mkdir(values.out, { recursive: true })
const browser = await launch()
for (const width of [1280, 390]) {
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
        const name = address.replace(/[^\w.-]+/g, '_').replace(/^_+|_+$/g, '').slice(0, 80) || 'root'
        const file = path.join(values.out, `${name}-${width}-${colorScheme}-${javaScriptEnabled ? 'js' : 'nojs'}.png`)
        await page.screenshot({ path: file, fullPage: true })
        console.log(`${answer.status()} ${file}`)
      }
      await context.close()
    }
  }
}
await browser.close()
