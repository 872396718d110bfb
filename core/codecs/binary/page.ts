/** Encoders write messages one behind the other into a page: it is a lot cheaper than a buffer for each. Unit: bytes. */
const PAGE = 16_384

/** An empty page. */
export function newPage(): Uint8Array {
  return new Uint8Array(PAGE)
}

/** A page that begins with the message from `start` to `at` of a full one, and has room for `count` bytes behind it. */
export function nextPage(full: Uint8Array, start: number, at: number, count: number): Uint8Array {
  const page = new Uint8Array(Math.max(PAGE, 2 * (at - start + count)))
  page.set(full.subarray(start, at))
  return page
}

/** The page as numbers of several bytes. */
export function viewOf(page: Uint8Array): DataView {
  return new DataView(page.buffer, page.byteOffset, page.length)
}
