// The site's frame: its pages are made by script/make-reference.
import { defineConfig } from "vitepress"

const page = (text, link) => ({ text, link })
const reference = (text, name) => page(text, `/reference/${name}`)

// Markdown tables always have a heading; one without words is left out, and an
// empty cell beside others is a plain cell.
function withoutEmptyHeadings(md) {
  md.core.ruler.push("empty_headings", state => {
    const tokens = state.tokens
    for (let i = 0; i < tokens.length; i++) {
      if (tokens[i].type === "th_open" && tokens[i + 1].content === "")
        tokens[i].tag = tokens[i + 2].tag = "td"
      if (tokens[i].type !== "thead_open") continue
      const end = tokens.findIndex((t, at) => at > i &&
        t.type === "thead_close")
      if (tokens.slice(i, end).every(t => !t.content))
        tokens.splice(i, end - i + 1)
    }
  })
}

export default defineConfig({
  srcDir: "pages",
  title: "workstage",
  description: "Workflow stages and migrations: Storyblok, Kantata OX",
  lang: "en",
  cleanUrls: false,
  lastUpdated: false,
  ignoreDeadLinks: [/^\/gallery\//], // reports, which are no pages of the site
  head: [["link", { rel: "icon", href: "data:," }]],
  markdown: { html: false, config: withoutEmptyHeadings, theme: { light: "github-light-high-contrast",
                                    dark: "github-dark-high-contrast" } },
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    sidebar: [
      { text: "Guides", items: [
        page("What it is", "/"),
        page("A first script", "/first-script"),
        page("A migration from start to end", "/migration"),
        page("Cookbook", "/cookbook"),
        page("The command line tool", "/tool"),
        page("Conventions", "/conventions"),
        page("Errors and retries", "/errors-and-retries"),
        page("What the limits mean", "/limits"),
        page("Testing with the sandbox", "/testing-with-the-sandbox"),
        page("Event loops", "/event-loops"),
        page("Embedding in C programs", "/embedding"),
        page("Continuous integration", "/ci"),
        page("Gallery of reports", "/gallery"),
        page("Troubleshooting", "/troubleshooting"),
      ] },
      { text: "Reference", items: [
        reference("workstage", "workstage"),
        reference("Storyblok", "storyblok"),
        reference("Kantata OX", "kantata"),
        reference("Options", "options"),
        reference("Errors", "errors"),
        reference("Objects and filters", "schemas"),
        reference("A blueprint", "blueprint"),
        reference("workstage.migration", "migration"),
        reference("workstage.sandbox", "sandbox"),
        reference("workstage.history", "history"),
        reference("workstage.log", "log"),
        reference("workstage.time", "time"),
        page("The sandbox's rules", "/sandbox"),
      ] },
      { text: "Examples", items: [
        page("A migration as a script", "/examples/move_stage"),
        page("A blueprint", "/examples/blueprint"),
        page("cqueues", "/examples/cqueues"),
        page("luv", "/examples/luv"),
      ] },
      { text: "Background", items: [
        page("Permissions", "/permissions"),
        page("What a run costs", "/costs"),
        page("What a rollback restores", "/rollback"),
        page("What is not proven", "/unproven"),
        page("Glossary", "/glossary"),
        page("Benchmarks", "/benchmarks"),
        page("Proof", "/proof"),
        page("Contributing", "/contributing"),
        page("Security", "/security"),
        page("Changes", "/changelog"),
      ] },
    ],
  },
})
