import { parse } from 'bowser'

const LONGEST = 512

/** A browser in words, e.g. `Firefox on Linux`; empty when it is not one we know. What it says about itself is not proven. */
export function describeUserAgent(userAgent: string | null): string {
  if (!userAgent) return ''
  const { browser, os } = parse(userAgent.slice(0, LONGEST))
  if (!browser.name) return ''
  return os.name ? `${browser.name} on ${os.name}` : browser.name
}
