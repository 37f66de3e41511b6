// What global-setup.ts leaves for global-teardown.ts: both run once, in jest's own process.
let finish: (() => Promise<void>) | undefined

export function atEnd(work: () => Promise<void>): void {
  finish = work
}

export async function endRun(): Promise<void> {
  const work = finish
  finish = undefined
  await work?.()
}
