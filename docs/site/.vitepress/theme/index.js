// VitePress' own theme with a few colours changed.
import DefaultTheme from "vitepress/theme"
import "./colors.css"

export default DefaultTheme
