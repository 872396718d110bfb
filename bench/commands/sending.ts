/** What every sender sends. */
export const payload: Uint8Array = new TextEncoder().encode(
  JSON.stringify({ do: 'calibrate', steps: [1, 2, 3] }),
)

/** Lets the warm-up pass, then counts over one span, and prints it as one line of JSON. */
export async function count(
  total: () => number | Promise<number>,
  warmUpMs: number,
  measureMs: number,
): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, warmUpMs))
  const before = await total()
  const at = performance.now()
  await new Promise((resolve) => setTimeout(resolve, measureMs))
  const measured = (await total()) - before
  console.log(JSON.stringify({ measured, seconds: (performance.now() - at) / 1_000 }))
}
