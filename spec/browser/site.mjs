// node site.mjs FOLDER [WORD]...: opens every page of the site at two widths,
// one of them with axe-core, and searches for words. Prints one line of JSON a
// visit.
import { readdir } from "node:fs/promises"
import { launch, serve, visit } from "./browser.mjs"

const [folder, ...words] = process.argv.slice(2)
const site = await serve(folder)
const browser = await launch()
const print = found => console.log(JSON.stringify(found))

const pages = (await readdir(folder, { recursive: true }))
  .filter(name => name.endsWith(".html") && name !== "404.html").sort()
async function visitPage(name, i) {
  for (const width of [390, 1280]) {
    const scheme = i % 2 ? "dark" : "light"
    const axe = (i % 4 < 2) === (width === 390)
    print({ kind: "page", name, ...await visit(browser,
      `${site.url}/${name}`, { width, scheme, axe }) })
  }
}
const AT_ONCE = 4
for (let i = 0; i < pages.length; i += AT_ONCE) {
  await Promise.all(pages.slice(i, i + AT_ONCE)
    .map((name, k) => visitPage(name, i + k)))
}

async function search(page, word) {
  await page.keyboard.press("Control+k")
  await page.fill("#localsearch-input", word)
  await page.waitForSelector("#localsearch-list li a", { timeout: 10000 })
    .catch(() => {})
  return page.$$eval("#localsearch-list li a",
    links => links.map(link => link.getAttribute("href")))
}
for (const word of words) {
  print({ kind: "search", word, ...await visit(browser, `${site.url}/`,
    { axe: false, act: page => search(page, word) }) })
}
await browser.close()
site.stop()
