import { isHexColor } from '../assets/color.ts'
import { defaultAccentColor, inkOn } from '../assets/theme.ts'
import { keyBow, keyPath } from './logo.tsx'

/** The tab's icon in the operator's colour, as inline data: no request, nothing to cache. */
export function favicon(accentColor: string): string {
  const tile = isHexColor(accentColor) ? accentColor : defaultAccentColor
  const svg = [
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">',
    `<rect width="32" height="32" rx="8" fill="${tile}"/>`,
    `<g fill="none" stroke="${inkOn(tile)}" stroke-width="2.5" stroke-linecap="round">`,
    `<circle cx="${keyBow.cx}" cy="${keyBow.cy}" r="${keyBow.r}"/><path d="${keyPath}"/></g></svg>`,
  ].join('')
  return `data:image/svg+xml,${encodeURIComponent(svg)}`
}
