import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { readForm, readJson } from '../../src/http/forms.ts'
import { parseJson } from '../../src/http/json-text.ts'
import { Problem } from '../../src/http/problem.ts'
import { parseUrlencoded } from '../../src/http/urlencoded.ts'
import { type Answer, ask, FORM, type Ground, ground, on, raw } from './ground.ts'

const KIB = 1024
const JSON_TYPE = { 'content-type': 'application/json' }
let server: Ground

beforeAll(async () => {
  server = await ground({
    routes: () => [
      on('POST', '/form', async ctx => {
        const form = await readForm(ctx)
        ctx.body = { a: form.get('a') ?? null, many: form.all('many') }
      }),
      on('POST', '/v1/json', async ctx => {
        ctx.body = { got: await readJson(ctx) }
      }),
      on('POST', '/impatient', async ctx => {
        await readForm(ctx, { bytes: 64 * KIB, ms: 50 })
        ctx.body = 'ok'
      }),
    ],
  })
})
afterAll(() => server.close())

const form = (body: string | Buffer, headers: Record<string, string> = FORM): Promise<Answer> =>
  ask(server, { method: 'POST', path: '/form', headers, body })
const json = (body: string | Buffer, headers: Record<string, string> = JSON_TYPE): Promise<Answer> =>
  ask(server, { method: 'POST', path: '/v1/json', headers, body })

describe('readForm', () => {
  it('reads a form', async () => {
    const answer = await form('a=1+2%263%C3%A9&many=x&many=y&&empty=')
    expect(answer.json()).toEqual({ a: '1 2&3é', many: ['x', 'y'] })
  })

  it('reads a missing body as an empty form', async () => {
    expect((await ask(server, { method: 'POST', path: '/form' })).json()).toEqual({ a: null, many: [] })
  })

  it.each([
    ['a single field twice', 'a=1&a=2'],
    ['broken percent-encoding', 'a=%zz'],
    ['a cut percent-encoding', 'a=%'],
    ['bytes that are not UTF-8', 'a=%ff'],
    ['a lone surrogate', 'a=%ED%A0%80'],
    ['U+0000 in a value', 'a=%00'],
    ['U+0000 in a name', '%00=a'],
    ['raw U+0000', 'a=\0'],
    ['too many fields', 'x=1&'.repeat(201)],
  ])('refuses %s', async (_what, body) => {
    const answer = await form(body)
    expect(answer.status).toBe(400)
    expect(answer.json().code).toBe('invalid_request')
  })

  it('refuses raw bytes that are not UTF-8', async () => {
    expect((await form(Buffer.from([0x61, 0x3d, 0xff]))).status).toBe(400)
  })

  it.each([
    'text/plain',
    'application/json',
    'multipart/form-data; boundary=x',
    `${FORM['content-type']}; charset=utf-16`,
  ])('refuses %s', async type => {
    expect((await form('a=1', { 'content-type': type })).status).toBe(415)
  })

  it('refuses a body without a type and a compressed one', async () => {
    expect((await form('a=1', {})).status).toBe(415)
    expect((await form('a=1', { ...FORM, 'content-encoding': 'gzip' })).status).toBe(415)
  })

  it('takes UTF-8 by any spelling', async () => {
    const type = 'Application/X-WWW-Form-Urlencoded ; Charset="UTF-8"'
    expect((await form('a=1', { 'content-type': type })).status).toBe(200)
  })

  it('takes 64 KiB and not a byte more', async () => {
    const most = `a=${'x'.repeat(64 * KIB - 2)}`
    expect((await form(most)).status).toBe(200)
    for (const headers of [FORM, { ...FORM, 'transfer-encoding': 'chunked' }]) {
      const answer = await form(`${most}x`, headers)
      expect(answer.status).toBe(413)
      expect(answer.json().code).toBe('content_too_large')
    }
  })

  it('answers before a huge body arrives, and closes', async () => {
    const answer = await raw(
      server,
      `POST /form HTTP/1.1\r\nHost: id.test\r\nContent-Type: ${FORM['content-type']}\r\nContent-Length: 999999999\r\n\r\n`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 413/)
    expect(answer).toMatch(/connection: close/i)
  })

  it('stops reading an endless body', async () => {
    const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`
    const received = await new Promise<string>(resolve => {
      let text = ''
      const socket = connect(server.port, '127.0.0.1')
      const send = () => {
        while (socket.writable && socket.write(chunk));
      }
      socket.on('connect', () => {
        socket.write(
          `POST /form HTTP/1.1\r\nHost: id.test\r\nContent-Type: ${FORM['content-type']}\r\nTransfer-Encoding: chunked\r\n\r\n`,
        )
        send()
      })
      socket.on('drain', send)
      socket.on('data', data => {
        text += data.toString()
      })
      socket.on('error', () => socket.destroy())
      socket.on('close', () => resolve(text))
    })
    expect(received === '' || received.startsWith('HTTP/1.1 413')).toBe(true)
  })

  it('gives up on a body that does not arrive', async () => {
    const answer = await raw(
      server,
      `POST /impatient HTTP/1.1\r\nHost: id.test\r\nContent-Type: ${FORM['content-type']}\r\nContent-Length: 10\r\n\r\na=`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 408/)
    expect(answer).toMatch(/connection: close/i)
    expect(answer).toContain('request_timeout')
  })

  it('survives callers who go away in the middle', async () => {
    for (let times = 0; times < 20; times += 1) {
      await new Promise<void>(resolve => {
        const socket = connect(server.port, '127.0.0.1', () => {
          socket.write(
            `POST /form HTTP/1.1\r\nHost: id.test\r\nContent-Type: ${FORM['content-type']}\r\nContent-Length: 10\r\n\r\na=`,
            () => socket.resetAndDestroy(),
          )
        })
        socket.on('close', () => resolve())
      })
    }
    expect((await form('a=1')).status).toBe(200)
    expect(server.lines.filter(line => line.level === 50)).toEqual([])
  })
})

describe('readJson', () => {
  it('reads JSON', async () => {
    const value = { a: [1, { b: '{"a":1,"a":2}', c: null }], 'é"\\': '💡', e: [] }
    expect((await json(JSON.stringify(value))).json()).toEqual({ got: value })
    expect((await json('{}', { 'content-type': 'application/merge-patch+json; charset=utf-8' })).status).toBe(
      200,
    )
  })

  it.each([
    ['nothing', ''],
    ['what is not JSON', '{'],
    ['a byte order mark', '\ufeff{}'],
    ['a key twice', '{"a":1,"b":{},"a":2}'],
    ['a key twice, written differently', '{"a":1,"\\u0061":2}'],
    ['a key twice deep inside', '[{"x":[{"a":1,"a":1}]}]'],
    ['__proto__', '{"__proto__":{"admin":true}}'],
    ['escaped __proto__', '{"a":{"\\u005f_proto__":1}}'],
    ['U+0000 in a value', '{"a":"\\u0000"}'],
    ['U+0000 in a key', '{"\\u0000":1}'],
    ['a lone surrogate in a value', '["\\ud800"]'],
    ['a lone surrogate in a key', '{"\\udc00":1}'],
    ['too deep', `${'['.repeat(17)}${']'.repeat(17)}`],
    ['absurdly deep', '['.repeat(60_000)],
    [
      'too many keys',
      JSON.stringify(Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`k${i}`, i]))),
    ],
  ])('refuses %s', async (_what, body) => {
    expect((await json(body)).status).toBe(400)
  })

  it('refuses other types', async () => {
    expect((await json('{}', FORM)).status).toBe(415)
    expect((await json('{}', { 'content-type': 'text/json' })).status).toBe(415)
    expect((await json(Buffer.from([0x22, 0xff, 0x22]))).status).toBe(400)
  })
})

describe('the parsers', () => {
  it('read exactly what URLSearchParams wrote', () => {
    const text = fc
      .string({ unit: 'grapheme' })
      .filter(value => value.isWellFormed() && !value.includes('\0'))
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text), { maxLength: 50 }), pairs => {
        const kept = pairs.filter(([name, value]) => name !== '' || value !== '')
        expect([...parseUrlencoded(new URLSearchParams(kept).toString())]).toEqual(kept)
      }),
    )
  })

  it('only ever throw a 400', () => {
    const anything = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc.stringMatching(/^[%&=+0-9a-f"{}[\],:\\u]*$/),
    )
    fc.assert(
      fc.property(anything, text => {
        for (const parse of [parseUrlencoded, parseJson]) {
          try {
            parse(text)
          } catch (error) {
            expect(error).toBeInstanceOf(Problem)
            expect((error as Problem).status).toBe(400)
          }
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('take any JSON that JSON.stringify makes of plain values', () => {
    const value = fc.jsonValue({ maxDepth: 8 })
    fc.assert(
      fc.property(value, input => {
        const text = JSON.stringify(input)
        if (/\\u0000|__proto__|\\ud[89a-f]/.test(text)) return
        expect(parseJson(text)).toEqual(JSON.parse(text))
      }),
    )
  })
})
