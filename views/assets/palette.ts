import type { HexColor } from './color.ts'

/** The neutral and status colours of one scheme. The accent is computed to be readable on its surfaces. */
export interface Palette {
  readonly canvas: HexColor
  readonly surface: HexColor
  readonly sunken: HexColor
  readonly text: HexColor
  readonly muted: HexColor
  readonly border: HexColor
  readonly control: HexColor
  readonly danger: HexColor
  readonly dangerSoft: HexColor
  readonly success: HexColor
  readonly successSoft: HexColor
  readonly warning: HexColor
  readonly warningSoft: HexColor
}

export const light: Palette = {
  canvas: '#f6f7f8',
  surface: '#ffffff',
  sunken: '#f0f2f4',
  text: '#191d24',
  muted: '#565e6b',
  border: '#e0e3e8',
  control: '#838b98',
  danger: '#a8201a',
  dangerSoft: '#fdeeec',
  success: '#17643a',
  successSoft: '#e7f4ec',
  warning: '#744a00',
  warningSoft: '#fcf2dc',
}

export const dark: Palette = {
  canvas: '#0f1115',
  surface: '#171a20',
  sunken: '#21252d',
  text: '#e9ebef',
  muted: '#a4acb9',
  border: '#2b303a',
  control: '#717a89',
  danger: '#ff9d94',
  dangerSoft: '#361c1c',
  success: '#83d6a3',
  successSoft: '#152b1e',
  warning: '#efc878',
  warningSoft: '#302713',
}
