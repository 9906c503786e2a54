// node report.mjs FILE...: opens reports in one page each, at three widths,
// light, dark and as printed; uses their tables, and opens them without
// script. Prints a line of JSON a report.
import { pathToFileURL } from "node:url"
import { checkAxe, launch, listen, overflowing } from "./browser.mjs"

const PAPER = 640 // the width of an A4 page between its margins
const LOOKS = [{ width: PAPER, colorScheme: "light", media: "print" }]
for (const width of [360, 768, 1280])
  for (const colorScheme of ["light", "dark"])
    LOOKS.push({ width, colorScheme, media: "screen" })

const browser = await launch()

// The names in the rows that are shown.
const shown = page => page.$$eval("table.sortable tbody tr:not([hidden])",
  rows => rows.map(row => row.cells[0].textContent))

const sorting = page => page.$eval("table.sortable th",
  head => head.getAttribute("aria-sort"))

// Sorts by the first column up and down with the keyboard alone, and filters.
async function use(page) {
  if (!await page.$("table.sortable")) return null
  const before = await shown(page)
  const filter = page.getByLabel("Show only rows that contain")
  await filter.focus()
  await page.keyboard.press("Tab") // the box that scrolls
  await page.keyboard.press("Tab") // the first heading
  const focus = await page.evaluate(() => {
    const element = document.activeElement
    return { name: element.textContent,
      outline: getComputedStyle(element).outlineStyle }
  })
  await page.keyboard.press("Enter")
  const up = { rows: await shown(page), sort: await sorting(page) }
  await page.keyboard.press("Space")
  const down = { rows: await shown(page), sort: await sorting(page) }
  await filter.fill(before[0])
  const filtered = await shown(page)
  await filter.fill("")
  return { before, focus, up, down, filtered, after: await shown(page) }
}

// The texts with a contrast below 4.5, also those of the picture's stages.
function unreadable() {
  const light = value => value <= 0.04045 ? value / 12.92
    : ((value + 0.055) / 1.055) ** 2.4
  const luminance = color => {
    const [r, g, b] = color.match(/[\d.]+/g).map(n => light(n / 255))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const isOpaque = color => color && color !== "none" &&
    color !== "transparent" && !/, 0\)$/.test(color)
  const background = element => {
    const node = element.closest("g.node")
    const shape = node?.querySelector("path, polygon, ellipse")
    if (shape && isOpaque(getComputedStyle(shape).fill))
      return getComputedStyle(shape).fill
    for (let e = element; e; e = e.parentElement) {
      const color = getComputedStyle(e).backgroundColor
      if (isOpaque(color)) return color
    }
    return "rgb(255, 255, 255)"
  }
  const found = []
  const walker = document.createTreeWalker(document.body,
    NodeFilter.SHOW_TEXT)
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement
    if (!node.data.trim() || !element.getClientRects().length) continue
    if (element.closest("script, title")) continue
    const style = getComputedStyle(element)
    const color = element.closest("svg") ? style.fill : style.color
    const [low, high] = [luminance(color), luminance(background(element))]
      .sort((a, b) => a - b)
    if ((high + 0.05) / (low + 0.05) < 4.5)
      found.push(`${node.data.trim().slice(0, 40)}: ${color}`)
  }
  return [...new Set(found)].slice(0, 5)
}

// What is wrong with a report as it is shown at one width.
async function look(page, { width, colorScheme, media }) {
  await page.setViewportSize({ width, height: 900 })
  await page.emulateMedia({ colorScheme, media })
  // its slowest rule, which `unreadable` checks at every width
  const rules = width < 1280 ? { "color-contrast": { enabled: false } } : {}
  return {
    at: `${media}, ${width}, ${colorScheme}`,
    overflow: await page.evaluate(overflowing),
    unreadable: await page.evaluate(unreadable),
    violations: media === "screen" ? await checkAxe(page, rules) : [],
  }
}

const context = await browser.newContext()
const plain = await browser.newContext({ javaScriptEnabled: false })

for (const file of process.argv.slice(2)) {
  const url = pathToFileURL(file).href
  const page = await context.newPage()
  const heard = listen(page, url)
  await page.goto(url, { waitUntil: "load" })
  const result = await use(page)
  const looks = []
  for (const each of LOOKS) looks.push(await look(page, each))
  await page.close()
  const reader = await plain.newPage()
  await reader.goto(url)
  const text = await reader.locator("body").innerText()
  await reader.close()
  console.log(JSON.stringify({ name: file.match(/([^/]+)\.html$/)[1],
    ...heard, result, looks, text }))
}
await browser.close()
