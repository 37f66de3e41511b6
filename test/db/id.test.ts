import { expect, it } from '@jest/globals'
import { newId } from '../../src/db/id.ts'

it('makes UUIDs of version 7 whose first 48 bits are the time', () => {
  const before = Date.now()
  const ids = Array.from({ length: 1_000 }, newId)
  const after = Date.now()
  expect(new Set(ids).size).toBe(1_000)
  for (const id of ids) {
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    const time = Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)
    expect(time >= before && time <= after).toBe(true)
  }
})
