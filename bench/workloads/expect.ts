/** Checks of answers. */
import type { Answer } from '../load.ts'

/** @throws Error unless the answer is a 200 whose JSON satisfies `holds` */
export function expectJson(what: string, holds: (body: Record<string, unknown>) => boolean) {
  return ({ status, body }: Answer): void => {
    if (status !== 200 || !holds(JSON.parse(body)))
      throw new Error(`${what}: ${status} ${body.slice(0, 300)}`)
  }
}

export const isHello = expectJson('hello', body => body.hello === 'world')
