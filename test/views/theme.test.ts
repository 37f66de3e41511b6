// The operator chooses the accent colour: whatever it is, the pages stay readable.
import { describe, expect, test } from '@jest/globals'
import { contrast, type HexColor } from '../../views/assets/color.ts'
import { defaultAccentColor, themeStylesheet } from '../../views/assets/theme.ts'

type Colors = Record<string, HexColor>

/** The two schemes of the stylesheet, as a browser reads them: the dark one over the light one. */
function schemes(accent: string): { light: Colors; dark: Colors } {
  const [light = '', dark = ''] = themeStylesheet(accent).split('@media')
  const read = (css: string) =>
    Object.fromEntries(
      [...css.matchAll(/--([a-z-]+):(#[0-9a-f]{6})/gi)].map(([, name, color]) => [name, color]),
    )
  return { light: read(light) as Colors, dark: { ...read(light), ...read(dark) } as Colors }
}

const SURFACES = ['canvas', 'surface', 'sunken', 'accent-soft']
const CARDS = ['canvas', 'surface', 'sunken']

/** Foreground, backgrounds, and the least contrast of WCAG 2.2 AA: 4.5 for text (1.4.3), 3 for what is not text (1.4.11). */
const PAIRS: readonly [front: string, backs: readonly string[], least: number][] = [
  ['text', [...SURFACES, 'danger-soft', 'success-soft', 'warning-soft'], 4.5],
  ['muted', CARDS, 4.5],
  ['accent-text', SURFACES, 4.5],
  ['on-accent', ['accent', 'accent-hover'], 4.5],
  ['danger', [...CARDS, 'danger-soft'], 4.5],
  ['success', [...CARDS, 'success-soft'], 4.5],
  ['warning', [...CARDS, 'warning-soft'], 4.5],
  ['accent-edge', SURFACES, 3],
  ['control', CARDS, 3],
]

function tooFaint(colors: Colors): string[] {
  const color = (name: string): HexColor => {
    const found = colors[name]
    if (!found) throw new Error(`the stylesheet has no --${name}`)
    return found
  }
  return PAIRS.flatMap(([front, backs, least]) =>
    backs
      .map(back => ({ back, ratio: contrast(color(front), color(back)) }))
      .filter(({ ratio }) => ratio < least)
      .map(({ back, ratio }) => `${front} on ${back}: ${ratio.toFixed(2)}, not ${least}`),
  )
}

const hex = (value: number) => value.toString(16).padStart(2, '0')
const levels = [0, 36, 73, 109, 146, 182, 219, 255]
const accents = levels.flatMap(red =>
  levels.flatMap(green => levels.map(blue => `#${hex(red)}${hex(green)}${hex(blue)}`)),
)

describe('themeStylesheet', () => {
  test('is readable with 512 accent colours, in both schemes', () => {
    const faint = [...accents, defaultAccentColor].flatMap(accent => {
      const { light, dark } = schemes(accent)
      return [...tooFaint(light), ...tooFaint(dark)].map(what => `${accent}: ${what}`)
    })
    expect(faint).toEqual([])
  })

  test('fills shapes with the accent colour as it is', () => {
    expect(schemes('#ffcc00').light.accent).toBe('#ffcc00')
    expect(schemes('#ffcc00').dark.accent).toBe('#ffcc00')
  })

  test.each(['red', '#fff', '#ffcc0', '#ffcc00;}body{display:none', 'var(--x)', ''])('refuses %j', accent => {
    expect(() => themeStylesheet(accent)).toThrow('#rrggbb')
  })
})

describe('contrast', () => {
  test.each<[HexColor, HexColor, number]>([
    ['#000000', '#ffffff', 21],
    ['#ffffff', '#ffffff', 1],
    ['#767676', '#ffffff', 4.54],
    ['#0000ff', '#ffffff', 8.59],
  ])('of %s on %s is %d', (one, other, ratio) => {
    expect(contrast(one, other)).toBeCloseTo(ratio, 2)
    expect(contrast(other, one)).toBeCloseTo(ratio, 2)
  })
})
