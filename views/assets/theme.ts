/**
 * The stylesheet behind `/assets/theme.css`: every colour of the pages, in both schemes.
 *
 * The accent colour is the operator's and can be anything, so it is used as it is only where it fills a
 * shape (with black or white text on it, one of which always has 4.5:1). Where it is text, an outline or an
 * edge it is moved towards black or white until WCAG AA holds on every surface it can stand on.
 */
import { contrast, type HexColor, isHexColor, mix, readable } from './color.ts'
import { dark, light, type Palette } from './palette.ts'

const white: HexColor = '#ffffff'
const black: HexColor = '#000000'

export const defaultAccentColor: HexColor = '#3b5bdb'

/** @throws TypeError when `accentColor` is not `#rrggbb` */
export function themeStylesheet(accentColor: string): string {
  if (!isHexColor(accentColor)) throw new TypeError('The accent colour must be written as #rrggbb')
  return [
    `:root{color-scheme:light dark;${declarations({ ...light, ...accents(accentColor, light, black) })}}`,
    `@media (prefers-color-scheme:dark){:root{${declarations({
      ...dark,
      ...accents(accentColor, dark, white),
    })}}}`,
    '',
  ].join('\n')
}

export interface Accents {
  /** fills a button or the logo tile */
  readonly accent: HexColor
  readonly accentHover: HexColor
  /** text and marks on the accent */
  readonly onAccent: HexColor
  /** the edge of a filled shape, at least 3:1 on every surface */
  readonly accentEdge: HexColor
  /** links, focus outlines, chart bars: at least 5.5:1 on every surface */
  readonly accentText: HexColor
  /** a tint behind text */
  readonly accentSoft: HexColor
}

export function accents(accent: HexColor, palette: Palette, end: HexColor): Accents {
  const accentSoft = mix(palette.surface, accent, end === white ? 0.2 : 0.08)
  const surfaces = [palette.canvas, palette.surface, palette.sunken, accentSoft]
  const onAccent = inkOn(accent)
  return {
    accent,
    accentHover: mix(accent, onAccent === white ? black : white, 0.12),
    onAccent,
    accentEdge: readable(accent, end, surfaces, 3),
    accentText: readable(accent, end, surfaces, 5.5),
    accentSoft,
  }
}

/** White when it is readable on the colour, else black: one of the two always has at least 4.58:1. */
export function inkOn(color: HexColor): HexColor {
  return contrast(white, color) >= 4.5 ? white : black
}

function declarations(colors: Palette & Accents): string {
  return Object.entries(colors)
    .map(([name, color]) => `--${name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}:${color}`)
    .join(';')
}
