/** Colour arithmetic for the theme: sRGB only, contrast as WCAG 2.2 defines it. */

export type HexColor = `#${string}`
type Channels = readonly [red: number, green: number, blue: number]

const sixDigits = /^#[0-9a-f]{6}$/i

export function isHexColor(value: string): value is HexColor {
  return sixDigits.test(value)
}

/** WCAG contrast ratio, 1 to 21. */
export function contrast(one: HexColor, other: HexColor): number {
  const [a, b] = [luminance(one), luminance(other)]
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
}

/** `share` of `other` (0 to 1) mixed into `color`. */
export function mix(color: HexColor, other: HexColor, share: number): HexColor {
  const [r1, g1, b1] = channels(color)
  const [r2, g2, b2] = channels(other)
  const blend = (from: number, to: number) => hexPair(Math.round(from + (to - from) * share))
  return `#${blend(r1, r2)}${blend(g1, g2)}${blend(b1, b2)}`
}

/** The first step from `color` towards `end` that has `ratio` against every background; `end` if none has. */
export function readable(
  color: HexColor,
  end: HexColor,
  backgrounds: readonly HexColor[],
  ratio: number,
): HexColor {
  for (let step = 0; step < 50; step++) {
    const candidate = mix(color, end, step / 50)
    if (backgrounds.every(background => contrast(candidate, background) >= ratio)) return candidate
  }
  return end
}

function luminance(color: HexColor): number {
  const [red, green, blue] = channels(color)
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

function linear(channel: number): number {
  const value = channel / 255
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
}

function channels(color: HexColor): Channels {
  const at = (start: number) => Number.parseInt(color.slice(start, start + 2), 16)
  return [at(1), at(3), at(5)]
}

function hexPair(value: number): string {
  return value.toString(16).padStart(2, '0')
}
