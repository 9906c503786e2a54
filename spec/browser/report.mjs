// node report.mjs FILE...: opens reports at three widths, light and dark,
// uses their tables, and opens them without script. Prints a line of JSON a
// visit.
import { pathToFileURL } from "node:url"
import { launch, visit } from "./browser.mjs"

const browser = await launch()
const print = found => console.log(JSON.stringify(found))

// The first cells of the rows that are shown.
const shown = page => page.$$eval("table.sortable tbody tr:not([hidden])",
  rows => rows.map(row => row.cells[0].textContent))

// Sorts by the first column up and down, and filters.
async function use(page) {
  if (!await page.$("table.sortable")) return null
  const head = page.locator("table.sortable th button").first()
  const before = await shown(page)
  await head.click()
  const up = await shown(page)
  await head.press("Enter")
  const down = await shown(page)
  const filter = page.getByLabel("Show only rows that contain")
  await filter.fill(before[0])
  const filtered = await shown(page)
  await filter.fill("")
  return { before, up, down, filtered, after: await shown(page) }
}

async function text(page) {
  return page.evaluate(() => document.body.innerText)
}

for (const file of process.argv.slice(2)) {
  const url = pathToFileURL(file).href
  const name = file.match(/([^/]+)\.html$/)[1]
  for (const [width, scheme] of [[360, "light"], [360, "dark"],
    [768, "dark"], [1280, "light"]]) {
    print({ name, kind: "page", ...await visit(browser, url,
      { width, scheme, act: use }) })
  }
  print({ name, kind: "plain", ...await visit(browser, url,
    { script: false, act: text }) })
}
await browser.close()
