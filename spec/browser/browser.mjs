// Opens pages in a real headless Chromium for the specs. A check is a module
// that calls `visit`; what it prints is JSON for the Lua side.
import { createServer } from "node:http"
import { readFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { extname, join, normalize } from "node:path"
import { chromium } from "playwright-core"

const require = createRequire(import.meta.url)
const axe = await readFile(require.resolve("axe-core"), "utf8")

const TYPES = { ".html": "text/html", ".js": "text/javascript",
  ".css": "text/css", ".svg": "image/svg+xml", ".json": "application/json",
  ".woff2": "font/woff2" }

// Serves a folder on a free port of this machine.
export async function serve(folder) {
  const server = createServer(async (request, response) => {
    const path = normalize(decodeURIComponent(
      new URL(request.url, "http://localhost").pathname))
    const file = join(folder, path.endsWith("/") ? path + "index.html" : path)
    try {
      const body = await readFile(file)
      response.setHeader("content-type",
        TYPES[extname(file)] ?? "application/octet-stream")
      response.end(body)
    } catch {
      response.writeHead(404).end()
    }
  })
  await new Promise(ready => server.listen(0, "127.0.0.1", ready))
  const url = `http://127.0.0.1:${server.address().port}`
  return { url, stop: () => server.close() }
}

export async function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM, args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update",
    "--disable-sync"] })
}

// Elements that stick out of the page to the right, without those that scroll
// in a box of their own.
export function overflowing() {
  const width = document.documentElement.clientWidth
  if (document.documentElement.scrollWidth <= width) return []
  const scrolls = e => e && (getComputedStyle(e).overflowX === "auto" ||
    scrolls(e.parentElement))
  return [...document.querySelectorAll("body *")]
    .filter(e => e.getBoundingClientRect().right > width + 1)
    .filter(e => !scrolls(e.parentElement))
    .slice(0, 5).map(e => e.outerHTML.slice(0, 120))
}

// Collects what a page writes to its console and which requests it sends to
// other hosts than that of its address.
export function listen(page, url) {
  const heard = { console: [], requests: [] }
  page.on("console", message => heard.console.push(message.text()))
  page.on("pageerror", error => heard.console.push(String(error)))
  page.on("dialog", dialog => {
    heard.console.push("dialog: " + dialog.message())
    dialog.dismiss()
  })
  page.on("request", request => {
    const to = request.url()
    const isFile = to.startsWith("file:")
    if (isFile ? to !== url : new URL(to).origin !== new URL(url).origin &&
        !to.startsWith("data:"))
      heard.requests.push(to)
  })
  return heard
}

// What axe-core finds on a page. Its script tag might be forbidden by the
// page's policy, which an evaluation is not subject to.
export async function checkAxe(page, rules = {}) {
  if (!await page.evaluate(() => "axe" in window)) await page.evaluate(axe)
  const result = await page.evaluate(
    given => window.axe.run(document, { rules: given,
      resultTypes: ["violations"] }), rules)
  return result.violations.map(v =>
    `${v.id}: ${v.nodes.slice(0, 3).map(n => n.html.slice(0, 160))
      .join(" | ")}`)
}

// Opens a page and reports its console messages, its requests to other
// hosts, what overflows and what axe-core finds. `act(page)` runs between.
export async function visit(browser, url, options = {}) {
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1280, height: 900 },
    colorScheme: options.scheme ?? "light",
  })
  const page = await context.newPage()
  const found = { url, ...options, ...listen(page, url) }
  delete found.act
  const answer = await page.goto(url, { waitUntil: "networkidle" })
  found.status = answer?.status() ?? 0
  found.title = await page.title()
  if (options.act) found.result = await options.act(page)
  found.overflow = await page.evaluate(overflowing)
  if (options.axe !== false)
    found.violations = await checkAxe(page, options.rules)
  await context.close()
  return found
}
