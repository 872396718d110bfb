/**
 * What scripts find besides the language itself: `Buffer` as ChirpStack has it, `console` that says nothing, `atob`,
 * `btoa`, `TextEncoder`, `TextDecoder`, `module`, `exports` and a `require` that knows `buffer`.
 *
 * Its value is an array of the functions that the host calls: `adopt(found, names, limit)` after the script was read,
 * `invoke(request)` for each call and `describe(error)`. They answer in JSON behind one letter: `v` a value, `u` undefined,
 * `e` an error, `l` a limit.
 */
export const PRELUDE = String.raw`(function () {
'use strict'
const { parse, stringify } = JSON
const { apply, ownKeys } = Reflect
const { isArray } = Array
const { isNaN, isFinite } = Number
const { getPrototypeOf, prototype: { hasOwnProperty } } = Object
const { isView } = ArrayBuffer
const { fromCharCode } = String
const { exec } = RegExp.prototype
const Text = String
const Moment = Date
const Fault = Error
const Bytes = Uint8Array
const Blocks = [ArrayBuffer, DataView, Map, Set]
const global = globalThis

const { defineProperty, keys: keysOf } = Object

// Without a prototype, so that what a script adds to Object.prototype, like get or enumerable, is no part of it.
const define = (target, values, enumerable = false) => {
  for (const name of ownKeys(values))
    defineProperty(target, name, { __proto__: null, value: values[name], writable: true, enumerable, configurable: true })
}

// UTF-8

const utf8Bytes = (text) => {
  const out = []
  for (let at = 0; at < text.length; at++) {
    let code = text.charCodeAt(at)
    if (code >= 0xd800 && code <= 0xdfff) {
      const next = text.charCodeAt(at + 1)
      if (code < 0xdc00 && next >= 0xdc00 && next <= 0xdfff) {
        code = 0x10000 + ((code - 0xd800) << 10) + (next - 0xdc00)
        at++
      } else code = 0xfffd
    }
    if (code < 0x80) out.push(code)
    else if (code < 0x800) out.push(0xc0 | (code >> 6), 0x80 | (code & 63))
    else if (code < 0x10000) out.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63))
    else out.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63))
  }
  return out
}

const utf8Text = (bytes, start, end, fatal) => {
  let text = ''
  let at = start
  while (at < end) {
    const first = bytes[at]
    if (first < 0x80) {
      text += fromCharCode(first)
      at++
      continue
    }
    let more = first >= 0xc2 && first < 0xe0 ? 1 : first >= 0xe0 && first < 0xf0 ? 2 : first >= 0xf0 && first < 0xf5 ? 3 : 0
    let code = more === 1 ? first & 31 : more === 2 ? first & 15 : first & 7
    let lower = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
    let upper = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
    let whole = more > 0
    at++
    while (whole && more > 0) {
      const byte = at < end ? bytes[at] : 0
      if (byte < lower || byte > upper) {
        whole = false
        break
      }
      lower = 0x80
      upper = 0xbf
      code = (code << 6) | (byte & 63)
      at++
      more--
    }
    if (!whole) {
      if (fatal) throw new TypeError('The encoded data was not valid for encoding utf-8')
      text += '�'
    } else if (code > 0xffff) text += fromCharCode(0xd800 + ((code - 0x10000) >> 10), 0xdc00 + ((code - 0x10000) & 0x3ff))
    else text += fromCharCode(code)
  }
  return text
}

// Dates and numbers as most hosts of scripts show them: American English, the time that of UTC

const two = (value) => (value < 10 ? '0' : '') + value
const dateTexts = {
  __proto__: null,
  'en-US': (at) => at.getMonth() + 1 + '/' + at.getDate() + '/' + at.getFullYear(),
  'en-GB': (at) => two(at.getDate()) + '/' + two(at.getMonth() + 1) + '/' + at.getFullYear(),
  'de-DE': (at) => at.getDate() + '.' + (at.getMonth() + 1) + '.' + at.getFullYear(),
  'sv-SE': (at) => at.getFullYear() + '-' + two(at.getMonth() + 1) + '-' + two(at.getDate()),
}
const localeOf = (given) => {
  const locale = Text(isArray(given) ? given[0] : given)
  return locale in dateTexts ? locale : 'en-US'
}
const dateText = (at, given) => dateTexts[localeOf(given)](at)
const timeText = (at, given, options) => {
  const minutes = ':' + two(at.getMinutes()) + ':' + two(at.getSeconds())
  const hour = at.getHours()
  if (localeOf(given) !== 'en-US' || (options && options.hour12 === false)) return two(hour) + minutes
  return (hour % 12 || 12) + minutes + (hour < 12 ? ' AM' : ' PM')
}
const orInvalid = (write) =>
  function (locales, options) {
    return isNaN(this.getTime()) ? 'Invalid Date' : write(this, locales, options)
  }
define(Date.prototype, {
  toLocaleDateString: orInvalid(dateText),
  toLocaleTimeString: orInvalid(timeText),
  toLocaleString: orInvalid((at, locales, options) =>
    dateText(at, locales) + (localeOf(locales) === 'sv-SE' ? ' ' : ', ') + timeText(at, locales, options)),
})

const grouped = (digits) => digits.replace(/\B(?=(\d{3})+$)/g, ',')
define(BigInt.prototype, {
  toLocaleString() {
    const text = Text(this)
    return text[0] === '-' ? '-' + grouped(text.slice(1)) : grouped(text)
  },
})
define(Number.prototype, {
  toLocaleString(_locales, options) {
    const value = +this
    if (isNaN(value)) return 'NaN'
    const sign = value < 0 || 1 / value < 0 ? '-' : ''
    if (!isFinite(value)) return sign + '∞'
    const least = (options && options.minimumFractionDigits) || 0
    const most = options && options.maximumFractionDigits !== undefined ? options.maximumFractionDigits : Math.max(least, 3)
    const size = Math.abs(value)
    const [mantissa, exponent = '0'] = Text(size).split('e+')
    const text = size >= 1e21 ? mantissa.replace('.', '').padEnd(+exponent + 1, '0') : size < 1e-6 ? size.toFixed(20) : mantissa
    const [whole, fraction = ''] = text.split('.')
    // Half and more goes up, by the digits that are shown otherwise.
    const all = (BigInt(whole + fraction.slice(0, most).padEnd(most, '0')) + (fraction.charCodeAt(most) > 52 ? 1n : 0n)).toString()
    const digits = all.padStart(most + 1, '0')
    let shown = digits.slice(digits.length - most)
    while (shown.length > least && shown.endsWith('0')) shown = shown.slice(0, -1)
    return sign + grouped(digits.slice(0, digits.length - most)) + (shown === '' ? '' : '.' + shown)
  },
})

// Base64

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const VALUES = {}
for (let index = 0; index < 64; index++) VALUES[ALPHABET[index]] = index
VALUES['-'] = 62
VALUES['_'] = 63

const base64Text = (bytes, start, end, alphabet, padded) => {
  let text = ''
  for (let at = start; at < end; at += 3) {
    const left = end - at
    const bits = (bytes[at] << 16) | ((left > 1 ? bytes[at + 1] : 0) << 8) | (left > 2 ? bytes[at + 2] : 0)
    text += alphabet[bits >> 18] + alphabet[(bits >> 12) & 63]
    text += left > 1 ? alphabet[(bits >> 6) & 63] : padded ? '=' : ''
    text += left > 2 ? alphabet[bits & 63] : padded ? '=' : ''
  }
  return text
}

const base64Bytes = (text) => {
  const out = []
  let bits = 0
  let count = 0
  for (let at = 0; at < text.length; at++) {
    const value = VALUES[text[at]]
    if (value === undefined) {
      if (text[at] === '=') break
      continue
    }
    bits = ((bits << 6) | value) & 0xffffff
    count += 6
    if (count >= 8) {
      count -= 8
      out.push((bits >> count) & 255)
    }
  }
  return out
}

define(global, {
  atob(given) {
    const text = Text(given).replace(/[\t\n\f\r ]/g, '')
    const bare = text.length % 4 === 0 ? text.replace(/==?$/, '') : text
    if (bare.length % 4 === 1 || /[^A-Za-z0-9+/]/.test(bare)) throw new Error('The string to be decoded is not correctly encoded.')
    let out = ''
    for (const byte of base64Bytes(bare)) out += fromCharCode(byte)
    return out
  },
  btoa(given) {
    const text = Text(given)
    const bytes = []
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (code > 255) throw new Error('The string contains characters outside of Latin1')
      bytes.push(code)
    }
    return base64Text(bytes, 0, bytes.length, ALPHABET, true)
  },
})

class TextEncoder {
  get encoding() { return 'utf-8' }
  encode(text = '') { return Bytes.from(utf8Bytes(Text(text))) }
}

class TextDecoder {
  constructor(label = 'utf-8', options = {}) {
    const name = Text(label).toLowerCase().trim()
    if (name === 'utf-8' || name === 'utf8') this.encoding = 'utf-8'
    else if (name === 'ascii' || name === 'us-ascii' || name === 'latin1' || name === 'iso-8859-1' || name === 'windows-1252') this.encoding = 'windows-1252'
    else if (name === 'utf-16le' || name === 'utf-16') this.encoding = 'utf-16le'
    else throw new RangeError('The "' + label + '" encoding is not supported')
    this.fatal = Boolean(options && options.fatal)
    this.ignoreBOM = Boolean(options && options.ignoreBOM)
  }
  decode(input) {
    if (input === undefined) return ''
    const bytes = isView(input) ? new Bytes(input.buffer, input.byteOffset, input.byteLength) : new Bytes(input)
    if (this.encoding === 'windows-1252') return latin1Text(bytes, 0, bytes.length, 255)
    if (this.encoding === 'utf-16le') return utf16Text(bytes, 0, bytes.length)
    const skip = !this.ignoreBOM && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
    return utf8Text(bytes, skip, bytes.length, this.fatal)
  }
}

const latin1Text = (bytes, start, end, mask) => {
  let text = ''
  for (let at = start; at < end; at++) text += fromCharCode(bytes[at] & mask)
  return text
}

const utf16Text = (bytes, start, end) => {
  let text = ''
  for (let at = start; at + 1 < end; at += 2) text += fromCharCode(bytes[at] | (bytes[at + 1] << 8))
  return text
}

// Buffer, as Node and ChirpStack have it

const encodingOf = (given) => {
  const name = given === undefined || given === null ? 'utf8' : Text(given).toLowerCase()
  switch (name) {
    case 'utf-8': return 'utf8'
    case 'binary': return 'latin1'
    case 'ucs2': case 'ucs-2': case 'utf-16le': return 'utf16le'
    case 'utf8': case 'hex': case 'base64': case 'base64url': case 'ascii': case 'latin1': case 'utf16le': return name
    default: throw new TypeError('Unknown encoding: ' + given)
  }
}

const bytesOf = (text, encoding) => {
  const out = []
  switch (encodingOf(encoding)) {
    case 'hex':
      for (let at = 0; at + 1 < text.length; at += 2) {
        const pair = text.slice(at, at + 2)
        if (!/^[0-9a-f]{2}$/i.test(pair)) break
        out.push(parseInt(pair, 16))
      }
      return out
    case 'base64': case 'base64url': return base64Bytes(text)
    case 'ascii': case 'latin1':
      for (let at = 0; at < text.length; at++) out.push(text.charCodeAt(at) & 255)
      return out
    case 'utf16le':
      for (let at = 0; at < text.length; at++) out.push(text.charCodeAt(at) & 255, text.charCodeAt(at) >> 8)
      return out
    default: return utf8Bytes(text)
  }
}

const HEX = '0123456789abcdef'

const place = (value, length, otherwise) => {
  if (value === undefined) return otherwise
  const at = Math.trunc(value) || 0
  return at < 0 ? Math.max(0, length + at) : Math.min(at, length)
}

const checkRange = (buffer, offset, size) => {
  if (typeof offset !== 'number') throw new TypeError('The "offset" argument must be of type number. Received ' + typeof offset)
  if (offset !== Math.floor(offset) || offset < 0 || offset + size > buffer.length)
    throw new RangeError('The value of "offset" is out of range. It must be >= 0 and <= ' + (buffer.length - size) + '. Received ' + offset)
}

class Buffer extends Uint8Array {
  constructor(given, second, third) {
    if (typeof given === 'string') super(bytesOf(given, second))
    else if (typeof given === 'object' && given !== null && given.type === 'Buffer' && isArray(given.data)) super(given.data)
    else if (second === undefined) super(given)
    else super(given, second, third)
  }
  static from(given, second, third) {
    if (typeof given === 'number' || given === null || given === undefined)
      throw new TypeError('The first argument must be of type string or an instance of Buffer, ArrayBuffer, or Array. Received ' + given)
    return new Buffer(given, second, third)
  }
  static of(...items) { return new Buffer(items) }
  static alloc(size, fill, encoding) {
    const buffer = new Buffer(size)
    return fill === undefined || fill === 0 ? buffer : buffer.fill(fill, encoding)
  }
  static allocUnsafe(size) { return new Buffer(size) }
  static allocUnsafeSlow(size) { return new Buffer(size) }
  static isBuffer(value) { return value instanceof Buffer }
  static isEncoding(name) {
    try { encodingOf(name) } catch { return false }
    return typeof name === 'string'
  }
  static byteLength(given, encoding) { return typeof given === 'string' ? bytesOf(given, encoding).length : given.byteLength }
  static concat(list, length) {
    let total = 0
    for (const one of list) total += one.length
    const out = new Buffer(length === undefined ? total : length)
    let at = 0
    for (const one of list) {
      const part = at + one.length > out.length ? one.subarray(0, out.length - at) : one
      out.set(part, at)
      at += part.length
    }
    return out
  }
  static compare(a, b) {
    for (let at = 0; at < a.length && at < b.length; at++) if (a[at] !== b[at]) return a[at] < b[at] ? -1 : 1
    return a.length === b.length ? 0 : a.length < b.length ? -1 : 1
  }
  static get [Symbol.species]() { return Buffer }
  toString(encoding, start, end) {
    const from = place(start, this.length, 0)
    const to = place(end, this.length, this.length)
    switch (encodingOf(encoding)) {
      case 'hex': {
        let text = ''
        for (let at = from; at < to; at++) text += HEX[this[at] >> 4] + HEX[this[at] & 15]
        return text
      }
      case 'base64': return base64Text(this, from, to, ALPHABET, true)
      case 'base64url': return base64Text(this, from, to, ALPHABET.slice(0, 62) + '-_', false)
      case 'ascii': return latin1Text(this, from, to, 127)
      case 'latin1': return latin1Text(this, from, to, 255)
      case 'utf16le': return utf16Text(this, from, to)
      default: return utf8Text(this, from, to, false)
    }
  }
  toLocaleString(encoding, start, end) { return this.toString(encoding, start, end) }
  toJSON() { return { type: 'Buffer', data: Array.from(this) } }
  slice(start, end) { return this.subarray(start, end) }
  subarray(start, end) {
    const from = place(start, this.length, 0)
    const to = Math.max(from, place(end, this.length, this.length))
    return new Buffer(this.buffer, this.byteOffset + from, to - from)
  }
  equals(other) { return Buffer.compare(this, other) === 0 }
  compare(other) { return Buffer.compare(this, other) }
  copy(target, at = 0, start = 0, end = this.length) {
    const part = this.subarray(start, Math.min(end, start + target.length - at))
    target.set(part, at)
    return part.length
  }
  fill(value, start, end, encoding) {
    if (typeof start === 'string') return this.fill(value, 0, this.length, start)
    if (typeof value !== 'string' && !isView(value)) return super.fill(value, start, end)
    const bytes = typeof value === 'string' ? bytesOf(value, encoding) : value
    const to = place(end, this.length, this.length)
    for (let at = place(start, this.length, 0), index = 0; at < to; at++, index++) this[at] = bytes.length === 0 ? 0 : bytes[index % bytes.length]
    return this
  }
  write(text, offset, length, encoding) {
    if (typeof offset === 'string') return this.write(text, 0, this.length, offset)
    if (typeof length === 'string') return this.write(text, offset, this.length - offset, length)
    const from = offset === undefined ? 0 : offset
    const bytes = bytesOf(Text(text), encoding)
    const count = Math.min(bytes.length, this.length - from, length === undefined ? bytes.length : length)
    for (let index = 0; index < count; index++) this[from + index] = bytes[index]
    return count
  }
  indexOf(value, from, encoding) {
    if (typeof value === 'number') return super.indexOf(value & 255, from)
    const bytes = typeof value === 'string' ? bytesOf(value, encoding) : value
    for (let at = place(from, this.length, 0); at + bytes.length <= this.length; at++) {
      let index = 0
      while (index < bytes.length && this[at + index] === bytes[index]) index++
      if (index === bytes.length) return at
    }
    return -1
  }
  includes(value, from, encoding) { return this.indexOf(value, from, encoding) >= 0 }
  readUIntBE(offset, length) {
    checkRange(this, offset, length)
    let value = 0
    for (let at = 0; at < length; at++) value = value * 256 + this[offset + at]
    return value
  }
  readUIntLE(offset, length) {
    checkRange(this, offset, length)
    let value = 0
    for (let at = length - 1; at >= 0; at--) value = value * 256 + this[offset + at]
    return value
  }
  readIntBE(offset, length) {
    const value = this.readUIntBE(offset, length)
    return value >= 2 ** (8 * length - 1) ? value - 2 ** (8 * length) : value
  }
  readIntLE(offset, length) {
    const value = this.readUIntLE(offset, length)
    return value >= 2 ** (8 * length - 1) ? value - 2 ** (8 * length) : value
  }
  writeUIntBE(value, offset, length) {
    checkRange(this, offset, length)
    let left = value
    for (let at = length - 1; at >= 0; at--) {
      this[offset + at] = left
      left = Math.floor(left / 256)
    }
    return offset + length
  }
  writeUIntLE(value, offset, length) {
    checkRange(this, offset, length)
    let left = value
    for (let at = 0; at < length; at++) {
      this[offset + at] = left
      left = Math.floor(left / 256)
    }
    return offset + length
  }
  writeIntBE(value, offset, length) { return this.writeUIntBE(value, offset, length) }
  writeIntLE(value, offset, length) { return this.writeUIntLE(value, offset, length) }
  swap16() { return swap(this, 2) }
  swap32() { return swap(this, 4) }
  swap64() { return swap(this, 8) }
}

const swap = (buffer, size) => {
  if (buffer.length % size !== 0) throw new RangeError('Buffer size must be a multiple of ' + size * 8 + '-bits')
  for (let at = 0; at < buffer.length; at += size) new Bytes(buffer.buffer, buffer.byteOffset + at, size).reverse()
  return buffer
}

const fields = [
  ['UInt8', 1, 'Uint8'], ['Int8', 1, 'Int8'],
  ['UInt16', 2, 'Uint16'], ['Int16', 2, 'Int16'],
  ['UInt32', 4, 'Uint32'], ['Int32', 4, 'Int32'],
  ['Float', 4, 'Float32'], ['Double', 8, 'Float64'],
  ['BigUInt64', 8, 'BigUint64'], ['BigInt64', 8, 'BigInt64'],
]
for (const [name, size, view] of fields) {
  for (const order of size === 1 ? [''] : ['LE', 'BE']) {
    const get = DataView.prototype['get' + view]
    const set = DataView.prototype['set' + view]
    const little = order === 'LE'
    const methods = {
      ['read' + name + order](offset = 0) {
        checkRange(this, offset, size)
        return apply(get, new DataView(this.buffer, this.byteOffset, this.length), [offset, little])
      },
      ['write' + name + order](value, offset = 0) {
        checkRange(this, offset, size)
        apply(set, new DataView(this.buffer, this.byteOffset, this.length), [offset, value, little])
        return offset + size
      },
    }
    define(Buffer.prototype, methods)
    for (const key of ownKeys(methods)) define(Buffer.prototype, { [key.replace('UInt', 'Uint')]: methods[key] })
  }
}
for (const name of ['readUIntBE', 'readUIntLE', 'writeUIntBE', 'writeUIntLE'])
  define(Buffer.prototype, { [name.replace('UInt', 'Uint')]: Buffer.prototype[name] })

// Buffer(…) without new, as old scripts write it.
const CallableBuffer = new Proxy(Buffer, { __proto__: null, apply: (_target, _self, args) => new Buffer(...args) })
define(Buffer.prototype, { constructor: CallableBuffer })

const silent = () => {}
const console = {}
for (const name of ['log', 'info', 'warn', 'error', 'debug', 'trace', 'table', 'dir', 'group', 'groupEnd', 'time', 'timeEnd', 'assert', 'count'])
  console[name] = silent

const exported = {}
const module = { exports: exported }
const modules = { buffer: { Buffer: CallableBuffer } }
modules['node:buffer'] = modules.buffer
const require = (name) => {
  if (apply(hasOwnProperty, modules, [name])) return modules[name]
  throw new Fault("Cannot find module '" + name + "'")
}

define(global, { Buffer: CallableBuffer, TextEncoder, TextDecoder, console, module, exports: exported, require })

// Math.pow of the interpreter is off by the last digit for one in ten: 10 to the power of -5 is 0.000009999999999999999.
// Whole powers are made of products of twice the digits (Dekker), and rounded once.

const roughPow = Math.pow
const half = (x) => {
  const c = 134217729 * x
  return c - (c - x)
}
const pow = (given, power) => {
  const x = +given
  const n = +power
  const rough = roughPow(x, n)
  const size = rough < 0 ? -rough : rough
  if (n % 1 !== 0 || n < -4096 || n > 4096 || !(size > 1e-140 && size < 1e140) || n === 0 || n === 1) return rough
  let high = 1
  let low = 0
  let baseHigh = x
  let baseLow = 0
  for (let left = n < 0 ? -n : n; ; ) {
    const b1 = half(baseHigh)
    const b2 = baseHigh - b1
    if (left % 2 === 1) {
      const a1 = half(high)
      const a2 = high - a1
      const product = high * baseHigh
      const error = a2 * b2 - (product - a1 * b1 - a2 * b1 - a1 * b2) + (high * baseLow + low * baseHigh)
      high = product + error
      low = error - (high - product)
    }
    left = (left - (left % 2)) / 2
    if (left === 0) break
    const square = baseHigh * baseHigh
    const error = b2 * b2 - (square - b1 * b1 - 2 * (b1 * b2)) + 2 * (baseHigh * baseLow)
    baseHigh = square + error
    baseLow = error - (baseHigh - square)
  }
  if (n > 0) return high + low
  const quotient = 1 / high
  const q1 = half(quotient)
  const q2 = quotient - q1
  const h1 = half(high)
  const h2 = high - h1
  const product = quotient * high
  const error = q2 * h2 - (product - q1 * h1 - q2 * h1 - q1 * h2)
  return quotient + (1 - product - error - quotient * low) / high
}
define(Math, { pow })

// What the host calls

const functions = { __proto__: null }
let maxLength = 0

const nameOf = (value) => (value === null ? 'null' : isArray(value) ? 'an array' : 'a ' + typeof value)

const describe = (error) => {
  let name = ''
  let message = ''
  let stack = ''
  try {
    if (typeof error === 'object' && error !== null) {
      name = Text(error.name === undefined ? '' : error.name)
      message = Text(error.message === undefined ? '' : error.message)
      stack = Text(error.stack === undefined ? '' : error.stack)
      if (name === '' && message === '') message = stringify(error) || ''
    } else message = Text(error)
  } catch {
    message = 'an error that cannot be read'
  }
  const limited = name === 'InternalError' || (name === 'RangeError' && message === 'Maximum call stack size exceeded')
  const at = apply(exec, /decoder\.js:(\d+)(?::(\d+))?/, [stack])
  return (limited ? 'l' : 'e') + stringify({
    text: (name === '' || name === 'Error' ? message : name + ': ' + message).slice(0, 1000),
    line: at === null ? 0 : +at[1],
    column: at === null || at[2] === undefined ? 1 : +at[2],
  })
}

const adopt = (found, namesText, limit) => {
  maxLength = +limit
  const names = parse(namesText)
  const sources = [isArray(found) ? {} : found]
  for (const source of [found, module.exports, exported])
    if (source !== null && (typeof source === 'object' || typeof source === 'function')) {
      sources.push(source)
      if (source.default !== null && typeof source.default === 'object') sources.push(source.default)
      if (typeof source.default === 'function') sources.push({ [source.default.name]: source.default })
    }
  if (typeof module.exports === 'function') sources.push({ [module.exports.name]: module.exports })
  const known = []
  for (let index = 0; index < names.length; index++) {
    const name = names[index]
    let entry
    if (isArray(found) && typeof found[index] === 'function') entry = [undefined, found[index]]
    else
      for (const source of sources)
        if (entry === undefined && typeof source[name] === 'function') entry = [isArray(found) ? source : undefined, source[name]]
    if (entry === undefined) continue
    functions[name] = entry
    known.push(name)
  }
  return 'v' + stringify(known)
}

// What JSON has no word for: numbers that are none become null, arrays of bytes lists, whole numbers of any size decimal text.
const plain = (value, path, odd, seen) => {
  if (typeof value === 'number') {
    if (isFinite(value)) return value
    if (odd.length < 16) odd.push(path + ' is ' + value)
    return null
  }
  if (typeof value === 'bigint') return Text(value)
  if (typeof value !== 'object' || value === null) return value
  for (const one of seen) if (one === value) throw new Fault('the result contains itself at ' + path)
  const inner = [...seen, value]
  if (typeof value.toJSON === 'function' && !isView(value)) {
    if (value instanceof Moment && isNaN(+value)) {
      if (odd.length < 16) odd.push(path + ' is an invalid date')
      return null
    }
    return plain(value.toJSON(), path, odd, inner)
  }
  if (value instanceof ArrayBuffer) return Array.from(new Bytes(value))
  if (isArray(value) || (isView(value) && !(value instanceof DataView))) {
    const list = []
    for (let index = 0; index < value.length; index++) {
      const item = plain(value[index], path + '[' + index + ']', odd, inner)
      list[index] = item === undefined || typeof item === 'function' || typeof item === 'symbol' ? null : item
    }
    return list
  }
  if (value instanceof Number || value instanceof Text || value instanceof Boolean) return plain(value.valueOf(), path, odd, inner)
  const out = {}
  for (const key of keysOf(value)) {
    const item = plain(value[key], path === '' ? key : path + '.' + key, odd, inner)
    if (item === undefined || typeof item === 'function' || typeof item === 'symbol') continue
    define(out, { [key]: item }, true)
  }
  return out
}

const write = (value) => {
  let text
  try {
    text = stringify(value)
  } catch (error) {
    if (error === null || typeof error !== 'object' || error.name !== 'TypeError') throw error
  }
  // The quick way is right for what JSON can say; these are its marks of what it cannot.
  if (text === undefined || apply(exec, /null|\{\}|"0":|"type":"Buffer"/, [text]) !== null) {
    const odd = []
    const wholly = plain(value, '', odd, [])
    text = stringify(odd.length === 0 ? { value: wholly } : { value: wholly, odd })
  } else text = '{"value":' + text + '}'
  if (text.length > maxLength) return 'l' + stringify({ text: 'a result of at most ' + maxLength + ' characters, found ' + text.length, line: 0 })
  return 'v' + text
}

const invoke = (request) => {
  try {
    const args = parse(request)
    const name = args.shift()
    for (const arg of args)
      if (arg !== null && typeof arg === 'object' && apply(hasOwnProperty, arg, ['recvTime'])) arg.recvTime = new Moment(arg.recvTime)
    const [owner, run] = functions[name]
    const value = apply(run, owner, args)
    if (value === undefined) return 'u'
    if (value !== null && typeof value === 'object' && typeof value.then === 'function')
      throw new Fault('expected ' + name + ' to return a value, found a promise')
    return write(value)
  } catch (error) {
    return describe(error)
  }
}

return [adopt, invoke, describe]
})()`
