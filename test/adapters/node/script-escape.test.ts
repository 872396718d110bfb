import { describe, expect, it } from 'vitest'
import { createScriptEngine } from '../../../adapters/node/script-engine.ts'
import { CoreError, type Json, type Script } from '../../../core/index.ts'

// Scripts that want out: none may reach the host, and none may stall it. After each, the next good call is as before.

const LIMITS = { timeMs: 60, memoryBytes: 8_388_608, outputBytes: 65_536 }

/** What may come of the limit of time on a machine that does much else. Unit: ms. */
const PATIENCE_MS = 3_000

const engine = createScriptEngine()
const good = engine.open(
  'function decodeUplink(input) { return { data: { sum: input.bytes.reduce((a, b) => a + b, 0), port: input.fPort } } }',
  ['decodeUplink'],
  LIMITS,
)

function callGood(): Json | undefined {
  return good.call('decodeUplink', [{ bytes: [1, 2, 3], fPort: 7 }], 0).value
}

function open(body: string, limits = LIMITS): Script {
  return engine.open(`function attack() { ${body} }`, ['attack'], limits)
}

/** What a script came to: its value, or the code of its error. */
function outcomeOf(run: () => Json | undefined): { value?: Json | undefined; code?: string } {
  const started = performance.now()
  try {
    return { value: run() }
  } catch (error) {
    if (!(error instanceof CoreError)) throw error
    return { code: error.code }
  } finally {
    expect(performance.now() - started).toBeLessThan(PATIENCE_MS)
    expect(callGood()).toEqual({ data: { sum: 6, port: 7 } })
  }
}

const TIMEOUT = 'codec.script_timeout'
const LIMIT = 'codec.script_limit'
const FAILED = 'codec.script_failed'

describe('a script that does not end', () => {
  it.each([
    ['a loop', 'while (true);'],
    [
      'a loop that catches everything',
      'for (;;) try { while (true); } catch {} finally { continue }',
    ],
    ['a loop in finally', 'try { throw 1 } finally { while (true); }'],
    ['a getter', 'return { get a() { while (true); } }'],
    ['toJSON', 'return { toJSON() { while (true); } }'],
    ['toJSON of a prototype', 'Object.prototype.toJSON = () => { while (true); }; return { a: 1 }'],
    ['toString of the name of an error', 'throw { name: { toString() { while (true); } } }'],
    ['message of an error', 'throw { get message() { while (true); } }'],
    ['stack of an error', 'throw { name: "", message: "", get stack() { while (true); } }'],
    ['a property then', 'return { get then() { while (true); } }'],
    ['a proxy', 'return new Proxy({}, { ownKeys() { while (true); } })'],
    ['a proxy around a proxy', 'const p = new Proxy({}, { get: () => p }); while (p.x);'],
    ['a generator', 'function* g() { while (true) yield 1 }; for (const x of g());'],
    [
      'an iterator',
      'return [...{ [Symbol.iterator]: () => ({ next: () => ({ value: 1, done: false }) }) }].length',
    ],
    ['a made function', 'new Function("while (true);")()'],
    ['eval', 'eval("while (true);")'],
    ['the constructor of a function', '(() => {}).constructor("while (true);")()'],
    ['an expression that explodes', 'return /^(a+)+$/.test("a".repeat(40) + "b")'],
    ['one with alternatives', 'return /^(a|aa|aaa)*$/.test("a".repeat(60) + "b")'],
    ['one that backtracks twice', 'return /(.*)*x/.test("a".repeat(5_000_000))'],
    ['one with a backreference', 'return /^(?:(a+)\\1?)+$/.test("a".repeat(60) + "b")'],
    [
      'one of split',
      'return "a".repeat(50).split(/^(a+)+$|b(a+)+c/).concat("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab".match(/^(a+)+$/))',
    ],
    ['replaceAll with a function', 'return "a".repeat(1e6).replace(/a/g, () => { while (true); })'],
    [
      'an index in what has no end',
      'return Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)',
    ],
    ['includes', 'return Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 1)'],
    ['lastIndexOf', 'return Array.prototype.lastIndexOf.call({ length: 2 ** 53 - 1 }, 1)'],
    ['join of holes', 'return Array(2 ** 32 - 1).join("")'],
    ['reverse of holes', 'const a = []; a.length = 2 ** 32 - 1; return a.reverse()'],
    ['sort of holes', 'const a = []; a.length = 2 ** 32 - 1; return a.sort()'],
    [
      'fill of an object',
      'return Array.prototype.fill.call({ length: 2 ** 53 - 1, set 0(v) {} }, 1, 2 ** 40)',
    ],
    ['every', 'return Array.prototype.every.call({ length: 2 ** 53 - 1 }, () => true)'],
    [
      'a chain of prototypes',
      'let o = {}; for (let i = 0; i < 20_000; i++) o = Object.create(o); for (;;) o.nothing',
    ],
    ['copies of much memory', 'const b = new Uint8Array(4e6); for (;;) b.copyWithin(0, 1)'],
    ['much memory, over and over', 'for (;;) new Uint8Array(4e6).fill(1)'],
    ['slices', 'const b = new Uint8Array(3e6); for (;;) b.slice()'],
    [
      'growing text, over and over',
      'for (;;) { let s = "x"; for (let i = 0; i < 20; i++) s += s }',
    ],
    [
      'texts compared',
      'const a = "x".repeat(1e6), b = a + ""; for (;;) if (a + "y" < b + "z") a.indexOf("y")',
    ],
    ['a comparator', 'return [3, 2, 1].sort(() => { while (true); })'],
    ['a long number in decimal', 'let n = 9n ** 50000n; for (;;) n.toString()'],
    ['a static block', 'class A { static { while (true); } }'],
    ['a tagged template', '(() => { while (true); })`x`'],
    ['a default value', '((x = (() => { while (true); })()) => x)()'],
    ['Symbol.toPrimitive', 'return 1 + { [Symbol.toPrimitive]() { while (true); } }'],
    ['Symbol.hasInstance', 'return 1 instanceof { [Symbol.hasInstance]() { while (true); } }'],
    ['recursion that is caught', 'function f() { try { f() } finally { f() } } f()'],
  ])('%s', (_name, body) => {
    expect(outcomeOf(() => open(body).call('attack', [], 0).value)).toEqual({ code: TIMEOUT })
  })

  it('while it is read', () => {
    expect(outcomeOf(() => engine.open('while (true);', ['attack'], LIMITS).names.length)).toEqual({
      code: TIMEOUT,
    })
  })

  it('in the code of a module', () => {
    const source = 'export function attack() {}\nfor (;;);'
    expect(outcomeOf(() => engine.open(source, ['attack'], LIMITS).names.length)).toEqual({
      code: TIMEOUT,
    })
  })

  it.each([
    ['a promise', 'Promise.resolve().then(function f() { while (true); }); return 1'],
    ['a chain of promises', '(async () => { for (;;) await 0 })(); return 1'],
    ['queueMicrotask', 'queueMicrotask(function f() { queueMicrotask(f) }); return 1'],
    ['a finalizer', 'new FinalizationRegistry(() => { while (true); }).register({}, 1); return 1'],
  ])('later, in %s: nothing is ever run later', (_name, body) => {
    expect(outcomeOf(() => open(body).call('attack', [], 0).value)).toEqual({ value: 1 })
  })
})

describe('a script that takes too much', () => {
  it.each([
    ['a text', 'let s = "x"; for (;;) s += s'],
    ['a list', 'const a = []; for (;;) a.push(new Array(1000).fill(1))'],
    ['a list of lists', 'let a = [1]; for (;;) a = [a.concat(a), a.concat(a)]'],
    ['a filled array', 'return new Array(1e8).fill(0)'],
    ['a typed array', 'return new Uint8Array(1e9)'],
    ['a buffer', 'return Buffer.alloc(1e9)'],
    ['an ArrayBuffer', 'return new ArrayBuffer(2 ** 31)'],
    ['many objects', 'const a = []; for (let i = 0; ; i++) a.push({ i })'],
    ['a map', 'const m = new Map(); for (let i = 0; ; i++) m.set(i, {})'],
    ['closures', 'let f = () => 1; for (;;) { const g = f; f = () => g }'],
    ['names', 'for (let i = 0; ; i++) globalThis["v" + i] = {}'],
    ['symbols', 'const a = []; for (let i = 0; ; i++) a.push(Symbol("x".repeat(100) + i))'],
    ['normalised text', 'return "é".repeat(1e7).normalize("NFD").length'],
    ['padding', 'return "".padEnd(2 ** 29, "x").length'],
    ['recursion', 'function f() { return f() + 1 } return f()'],
    ['recursion through toString', 'const o = { toString: () => "" + o }; return "" + o'],
    [
      'recursion through a proxy',
      'const p = new Proxy(function () {}, { apply: () => p() }); return p()',
    ],
    ['recursion through sort', 'function f() { return [1, 2].sort(f) } return f()'],
    ['recursion through replace', 'function f() { return "a".replace(/a/, f) } return f()'],
    ['recursion through JSON', 'function f() { return JSON.parse("[1]", f) } return f()'],
    ['a long result', 'return "x".repeat(100_000)'],
    ['a result of many parts', 'return new Array(50_000).fill(1)'],
  ])('%s', (_name, body) => {
    const { code } = outcomeOf(() => open(body).call('attack', [], 0).value)
    // What is taken over and over may also run into the limit of time.
    expect([LIMIT, FAILED, TIMEOUT]).toContain(code)
  })

  it.each([
    ['a text of 2^30', 'return "x".repeat(2 ** 30)'],
    ['a length that is none', 'return new Array(-1)'],
    ['a number of many digits', 'return 2n ** (2n ** 40n)'],
    ['digits', 'return BigInt("9".repeat(1e6))'],
    ['arguments', 'return Math.max.apply(null, new Array(1e6).fill(1))'],
    ['groups', 'return new RegExp("(".repeat(1e5)).source'],
    ['brackets', 'return eval("[".repeat(1e5))'],
    ['brackets of JSON', 'return JSON.parse("[".repeat(1e6))'],
    ['terms', 'return eval("1" + "+1".repeat(5e5))'],
    ['blocks', 'return eval("{".repeat(1e5))'],
    ['functions', 'return eval("(() => ".repeat(1e4))'],
    ['a nested expression', 'return new RegExp("(?:".repeat(1e5) + ")".repeat(1e5)).source'],
  ])('%s', (_name, body) => {
    const { code, value } = outcomeOf(() => open(body).call('attack', [], 0).value)
    expect(value).toBeUndefined()
    expect([LIMIT, FAILED, TIMEOUT]).toContain(code)
  })

  it('a result that nests: it is no value beyond what JSON can be read of', () => {
    const nested = 'let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return a'
    const { code } = outcomeOf(() => open(nested).call('attack', [], 0).value)
    expect([LIMIT, FAILED, TIMEOUT]).toContain(code)
  })

  it('a result that contains itself', () => {
    const circle = 'const a = {}; a.a = a; return a'
    expect(outcomeOf(() => open(circle).call('attack', [], 0).value)).toEqual({ code: FAILED })
  })

  it('a limit of memory that is higher lets more through', () => {
    const body = 'return new Uint8Array(2e7).length'
    expect(outcomeOf(() => open(body).call('attack', [], 0).value)).toEqual({ code: LIMIT })
    const larger = { ...LIMITS, memoryBytes: 67_108_864, timeMs: 1_000 }
    expect(outcomeOf(() => open(body, larger).call('attack', [], 0).value)).toEqual({
      value: 20_000_000,
    })
  })

  it('is measured by itself: not by what other scripts hold', () => {
    const hungry =
      'const a = []; for (let i = 0; i < 5; i++) a.push(new Uint8Array(1e6)); return a.length'
    for (let round = 0; round < 20; round++)
      expect(outcomeOf(() => open(hungry).call('attack', [], 0).value)).toEqual({ value: 5 })
  })
})

describe('a script that looks for the host', () => {
  it.each([
    'process',
    'global',
    'window',
    'self',
    'fetch',
    'XMLHttpRequest',
    'WebSocket',
    'Worker',
    'WebAssembly',
    'Deno',
    'Bun',
    'setTimeout',
    'setInterval',
    'setImmediate',
    'clearTimeout',
    'structuredClone',
    'importScripts',
    'postMessage',
    'MessageChannel',
    'std',
    'os',
    'bjson',
    'print',
    'scriptArgs',
    'load',
    'gc',
    'crypto',
    'navigator',
    'document',
    'localStorage',
    '__filename',
    '__dirname',
    'Atomics.wait',
    'require.main',
    'require.cache',
    'module.constructor',
    'module.parent',
    'console.constructor.prototype.process',
  ])('%s is not there', (name) => {
    const body = `try { return typeof eval(${JSON.stringify(name)}) } catch { return 'undefined' }`
    const { value } = outcomeOf(() => open(body).call('attack', [], 0).value)
    // Every object has a constructor: it is one of the sandbox.
    expect(value).toBe(name === 'module.constructor' ? 'function' : 'undefined')
  })

  it.each([
    [
      'the constructor of a constructor',
      'return typeof [].constructor.constructor("return process")',
    ],
    [
      'its result',
      'try { return [].constructor.constructor("return process")() } catch (e) { return e.message }',
    ],
    [
      'that of the argument',
      'try { return arguments[0].constructor.constructor("return process")() } catch (e) { return e.message }',
    ],
    [
      'that of an error',
      'try { null.x } catch (e) { try { return e.constructor.constructor("return process")() } catch (f) { return f.message } }',
    ],
    [
      'that of an overflow',
      'function f() { f() } try { f() } catch (e) { try { return e.constructor.constructor("return process")() } catch (g) { return g.message } }',
    ],
    [
      'that of console.log',
      'try { return console.log.constructor("return process")() } catch (e) { return e.message }',
    ],
    [
      'that of Buffer',
      'try { return Buffer.from.constructor("return process")() } catch (e) { return e.message }',
    ],
    [
      'that of require',
      'try { return require.constructor("return process")() } catch (e) { return e.message }',
    ],
    ['the caller', 'try { return attack.caller } catch (e) { return e.message }'],
    [
      'the prototype of the global object',
      'return Object.getPrototypeOf(globalThis) === Object.prototype',
    ],
  ])('%s', (_name, body) => {
    const { value } = outcomeOf(() => open(body).call('attack', [{ bytes: [1] }], 0).value)
    expect(['function', 'process is not defined', null, true, undefined]).toContainEqual(value)
  })

  it.each([
    'fs',
    'node:fs',
    'child_process',
    'vm',
    'worker_threads',
    './decoder.js',
    '__proto__',
    'constructor',
  ])('require(%j) fails', (name) => {
    const body = `return require(${JSON.stringify(name)})`
    expect(outcomeOf(() => open(body).call('attack', [], 0).value)).toEqual({ code: FAILED })
  })

  it.each(["import 'fs'", "import fs from 'node:fs'", "export * from './other.js'"])(
    '%s fails',
    (source) => {
      const read = () =>
        engine.open(`${source}\nexport function attack() {}`, ['attack'], LIMITS).names.length
      expect(outcomeOf(read)).toEqual({ code: FAILED })
    },
  )

  it('import() never resolves', () => {
    const body =
      'globalThis.got = 0; import("fs").then(() => { got = 1 }, () => { got = 2 }); return got'
    expect(outcomeOf(() => open(body).call('attack', [], 0).value)).toEqual({ value: 0 })
  })

  it('every object that can be reached from the global one is of the sandbox', () => {
    const body = `
      const seen = new Set(), names = []
      const walk = (value, path) => {
        if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) return
        seen.add(value)
        for (const key of Reflect.ownKeys(value)) {
          const { value: inner, get, set } = Object.getOwnPropertyDescriptor(value, key)
          for (const one of [inner, get, set]) walk(one, path + '.' + String(key))
          if (typeof inner === 'function') names.push(inner)
        }
        walk(Object.getPrototypeOf(value), path + '.__proto__')
      }
      walk(globalThis, '')
      return names.every((one) => Function.prototype.toString.call(one).length > 0) && seen.size > 500`
    const patient = { ...LIMITS, timeMs: 2_000 }
    expect(outcomeOf(() => open(body, patient).call('attack', [], 0).value)).toEqual({
      value: true,
    })
  })

  it('names of the global object are those of the language and of the prelude', () => {
    const body = 'return Object.getOwnPropertyNames(globalThis).sort()'
    const { value } = outcomeOf(() => open(body).call('attack', [], 0).value)
    const ours = [
      'Buffer',
      'TextDecoder',
      'TextEncoder',
      'attack',
      'console',
      'exports',
      'module',
      'require',
    ]
    const engineOwn = [
      'queueMicrotask',
      'performance',
      'InternalError',
      'CallSite',
      'DOMException',
      'navigator',
      'atob',
      'btoa',
    ]
    const language = Object.getOwnPropertyNames(globalThis).filter((name) =>
      /^[A-Z]|^(?:eval|parse|is|decode|encode|escape|unescape|undefined|globalThis)/.test(name),
    )
    const known = new Set([...ours, ...engineOwn, ...language])
    expect(
      Array.isArray(value) && value.filter((name) => typeof name !== 'string' || !known.has(name)),
    ).toEqual([])
  })
})

describe('a script that wants to leave something behind', () => {
  it.each([
    ['a variable', 'globalThis.left = (globalThis.left ?? 0) + 1; return left'],
    ['one without a declaration', 'left = typeof left === "undefined" ? 1 : left + 1; return left'],
    ['a property of a prototype', 'Array.prototype.left = ([].left ?? 0) + 1; return [].left'],
    ['a method of the language', 'const n = Math.floor(1.5); Math.floor = () => 99; return n'],
    [
      'JSON',
      'const n = JSON.parse("1"); JSON.parse = () => 99; JSON.stringify = () => "99"; return n',
    ],
    [
      'what is frozen',
      'const n = Object.isFrozen(Object.prototype) ? 2 : 1; Object.freeze(Object.prototype); return n',
    ],
    ['exports', 'exports.left = (exports.left ?? 0) + 1; return exports.left'],
    ['a function of its own', 'attack.left = (attack.left ?? 0) + 1; return attack.left'],
    [
      'a cached expression',
      'const r = /a/g; r.test("aa"); attack.r ??= r; return attack.r.lastIndex',
    ],
    [
      'Symbol.for',
      'const s = Symbol.for("left"); const n = (Object.prototype[s] ?? 0) + 1; Object.prototype[s] = n; return n',
    ],
    [
      'a deleted global',
      'const n = typeof Date === "function" ? 1 : 2; delete globalThis.Date; return n',
    ],
  ])('%s: the next call finds nothing of it', (_name, body) => {
    const script = open(body)
    for (let round = 0; round < 3; round++)
      expect(outcomeOf(() => script.call('attack', [], 0).value)).toEqual({ value: 1 })
  })

  it('state at the top of a script is as new in each call', () => {
    const script = engine.open(
      'let n = 0; const seen = []; function attack() { seen.push(++n); return seen }',
      ['attack'],
      LIMITS,
    )
    for (let round = 0; round < 3; round++) expect(script.call('attack', [], 0).value).toEqual([1])
  })

  it('scripts know nothing of each other', () => {
    const first = engine.open(
      'var shared = 1; Object.prototype.leak = 1; function attack() { return typeof shared + {}.leak }',
      ['attack'],
      LIMITS,
    )
    const second = engine.open(
      'function attack() { return typeof shared + {}.leak }',
      ['attack'],
      LIMITS,
    )
    for (let round = 0; round < 2; round++) {
      expect(first.call('attack', [], 0).value).toBe('number1')
      expect(second.call('attack', [], 0).value).toBe('undefinedundefined')
    }
  })

  it('memory of others cannot be seen in fresh buffers', () => {
    const writer = open('for (let i = 0; i < 50; i++) new Uint8Array(100_000).fill(0xaa); return 1')
    const reader = open(
      'return new Uint8Array(4e6).some((byte) => byte !== 0) || Buffer.allocUnsafe(1e5).some((byte) => byte !== 0)',
      { ...LIMITS, timeMs: 2_000 },
    )
    expect(writer.call('attack', [], 0).value).toBe(1)
    expect(reader.call('attack', [], 0).value).toBe(false)
  })

  it('the host gets plain data: __proto__ is a key like others', () => {
    const { value } = open(
      'return JSON.parse(\'{"__proto__": {"polluted": 1}, "constructor": 2}\')',
    ).call('attack', [], 0)
    expect(Object.keys(value ?? {})).toEqual(['__proto__', 'constructor'])
    expect({}).not.toHaveProperty('polluted')
  })

  it('four hundred attacks in turn leave the same engine', () => {
    const attacks = [
      'while (true);',
      'function f() { f() } f()',
      'let s = "x"; for (;;) s += s',
      'JSON.parse("[".repeat(1e6))',
    ].map((body) => open(body, { ...LIMITS, timeMs: 1 }))
    for (let round = 0; round < 100; round++)
      for (const attack of attacks) {
        expect(() => attack.call('attack', [], 0)).toThrow(CoreError)
        expect(callGood()).toEqual({ data: { sum: 6, port: 7 } })
      }
  })
})
