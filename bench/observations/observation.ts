import type { Setting } from '../setting.ts'

/** Something that is no rate: it is counted or timed once, on an otherwise idle server. */
export interface Observation {
  readonly name: string
  observe(setting: Setting): Promise<readonly Finding[]>
}

export interface Finding {
  readonly what: string
  readonly value: string
  readonly budget?: string
  readonly holds?: boolean
}
